//! Mutes against tables of nights on which clocks are changed, and against a walk minute by minute.

use jiff::civil::{Date, DateTime, date};
use jiff::{SignedDuration, ToSpan};
use proptest::prelude::*;

use super::*;
use crate::delivery::zone_of;

fn mute(days: Days, from: i16, to: i16, zone: &str) -> Mute {
    Mute { name: "m".to_owned(), days, from, to, zone: zone_of(zone).expect("a zone") }
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// From and to as `HH:MM`.
fn minutes(text: &str) -> i16 {
    let (hours, minutes) = text.split_once(':').expect("HH:MM");
    hours.parse::<i16>().unwrap() * 60 + minutes.parse::<i16>().unwrap()
}

const WORK_DAYS: fn() -> Days = || Days::between(Weekday::Monday, Weekday::Friday);

#[test]
fn days_are_counted_over_the_end_of_the_week() {
    let days = |first, last| {
        let days = Days::between(first, last);
        let names = [
            Weekday::Monday,
            Weekday::Tuesday,
            Weekday::Wednesday,
            Weekday::Thursday,
            Weekday::Friday,
            Weekday::Saturday,
            Weekday::Sunday,
        ];
        names.map(|day| if days.contain(day) { 'x' } else { '.' }).iter().collect::<String>()
    };
    assert_eq!(days(Weekday::Monday, Weekday::Friday), "xxxxx..");
    assert_eq!(days(Weekday::Friday, Weekday::Monday), "x...xxx");
    assert_eq!(days(Weekday::Sunday, Weekday::Sunday), "......x");
    assert_eq!(Days::between(Weekday::Tuesday, Weekday::Monday), Days::ALL);
}

#[test]
fn a_mute_over_midnight_belongs_to_the_day_on_which_it_begins() {
    let nights = mute(WORK_DAYS(), minutes("20:00"), minutes("08:00"), "Europe/Berlin");
    for (now, until) in [
        ("2026-12-01T19:59:59.999+01:00", None),
        ("2026-12-01T20:00:00+01:00", Some("2026-12-02T08:00:00+01:00")),
        ("2026-12-02T07:59:59.999999+01:00", Some("2026-12-02T08:00:00+01:00")),
        ("2026-12-02T08:00:00+01:00", None),
        // From Friday into Saturday, but not from Sunday into Monday.
        ("2026-12-05T03:00:00+01:00", Some("2026-12-05T08:00:00+01:00")),
        ("2026-12-05T21:00:00+01:00", None),
        ("2026-12-07T03:00:00+01:00", None),
    ] {
        let end = end_of(&[&nights], at(now));
        assert_eq!(end.map(|end| end.until), until.map(at), "{now}");
    }
}

#[test]
fn where_clocks_are_changed_the_clock_on_the_wall_decides() {
    for (from, to, now, until) in [
        // Berlin, 29 March 2026: 02:00 is 03:00 at once.
        ("20:00", "08:00", "2026-03-28T22:00:00+01:00", Some("2026-03-29T08:00:00+02:00")),
        ("22:00", "02:30", "2026-03-29T01:30:00+01:00", Some("2026-03-29T03:00:00+02:00")),
        ("02:30", "04:00", "2026-03-29T01:59:00+01:00", None),
        ("02:30", "04:00", "2026-03-29T03:00:00+02:00", Some("2026-03-29T04:00:00+02:00")),
        ("02:10", "02:50", "2026-03-29T03:00:00+02:00", None),
        // 25 October 2026: 03:00 is 02:00 once more.
        ("20:00", "08:00", "2026-10-24T20:00:00+02:00", Some("2026-10-25T08:00:00+01:00")),
        ("01:00", "02:30", "2026-10-25T01:30:00+02:00", Some("2026-10-25T02:30:00+02:00")),
        ("01:00", "02:30", "2026-10-25T02:45:00+02:00", None),
        ("01:00", "02:30", "2026-10-25T02:10:00+01:00", Some("2026-10-25T02:30:00+01:00")),
        ("02:30", "04:00", "2026-10-25T02:40:00+02:00", Some("2026-10-25T02:00:00+01:00")),
        ("02:30", "04:00", "2026-10-25T02:30:00+01:00", Some("2026-10-25T04:00:00+01:00")),
    ] {
        let mute = mute(Days::ALL, minutes(from), minutes(to), "Europe/Berlin");
        let end = end_of(&[&mute], at(now));
        assert_eq!(end.map(|end| end.until), until.map(at), "{from} to {to} at {now}");
    }
}

#[test]
fn a_day_is_as_long_as_it_is() {
    let sundays = mute(Days::between(Weekday::Sunday, Weekday::Sunday), 0, DAY, "Europe/Berlin");
    for (now, hours) in [("2026-03-29T00:00:00+01:00", 23), ("2026-10-25T00:00:00+02:00", 25)] {
        let end = end_of(&[&sundays], at(now)).expect("it is Sunday");
        assert_eq!(end.until.duration_since(at(now)), SignedDuration::from_hours(hours));
    }
    // In Cairo midnight itself is skipped on 24 April 2026.
    let fridays = mute(Days::between(Weekday::Friday, Weekday::Friday), 0, DAY, "Africa/Cairo");
    assert!(!fridays.covers(at("2026-04-23T23:59:00+02:00")));
    let end = end_of(&[&fridays], at("2026-04-24T01:00:00+03:00")).expect("it is Friday");
    assert_eq!(end.until, at("2026-04-25T00:00:00+03:00"));
}

#[test]
fn several_mutes_end_when_the_last_of_a_chain_does() {
    let nights = mute(WORK_DAYS(), minutes("20:00"), minutes("08:00"), "Europe/Berlin");
    let weekend = mute(Days::between(Weekday::Saturday, Weekday::Sunday), 0, DAY, "America/New_York");
    let both = [&nights, &weekend];
    // Friday evening in Berlin, through the night; Saturday begins in New York at 06:00 of Berlin.
    let end = end_of(&both, at("2026-12-04T21:00:00+01:00")).expect("it is in force");
    assert_eq!(end.until, at("2026-12-07T00:00:00-05:00"));
    assert_eq!((end.zone.iana_name(), end.is_known), (Some("America/New_York"), true));
    assert_eq!(end_of(&[], Timestamp::UNIX_EPOCH), None);
}

#[test]
fn a_mute_that_never_ends_is_known_as_one() {
    let always = mute(Days::ALL, 0, DAY, "UTC");
    let end = end_of(&[&always], Timestamp::UNIX_EPOCH).expect("it is in force");
    assert!(!end.is_known);
    let day = mute(Days::ALL, minutes("08:00"), minutes("20:00"), "UTC");
    let night = mute(Days::ALL, minutes("20:00"), minutes("08:00"), "UTC");
    assert!(!end_of(&[&day, &night], Timestamp::UNIX_EPOCH).expect("one is in force").is_known);
    assert!(mute(Days::ALL, 480, 480, "UTC").left(date(2026, 1, 1).at(8, 0, 0, 0)).is_some());
    for moment in [Timestamp::MAX, Timestamp::MIN] {
        assert!(end_of(&[&always], moment).is_some());
    }
}

/// Whether a mute is in force at a time of the wall, told by its windows, one for each day on which it begins.
fn is_within(mute: &Mute, shown: DateTime) -> bool {
    let start_of = |day: Date| day.at(0, 0, 0, 0) + i64::from(mute.from).minutes();
    let end_of = |day: Date| {
        let crosses = i64::from(mute.to <= mute.from);
        (day + crosses.days()).at(0, 0, 0, 0) + i64::from(mute.to).minutes()
    };
    [shown.date().yesterday().unwrap(), shown.date()]
        .into_iter()
        .filter(|day| mute.days.contain(day.weekday()))
        .any(|day| start_of(day) <= shown && shown < end_of(day))
}

/// Walks minute by minute to the first one at which no mute is in force.
fn walk(mutes: &[Mute], now: Timestamp) -> Timestamp {
    let in_force = |at: Timestamp| mutes.iter().any(|mute| is_within(mute, mute.zone.to_datetime(at)));
    let mut moment = now;
    while in_force(moment) && moment.duration_since(now) < SignedDuration::try_from(HORIZON).unwrap() {
        moment += SignedDuration::from_mins(1);
    }
    moment
}

const ZONES: [&str; 9] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "UTC",
];

fn any_mute() -> impl Strategy<Value = Mute> {
    // Half of the times lie where clocks are changed.
    let minute = || prop_oneof![0_i16..240, 0_i16..DAY];
    let to = prop_oneof![1_i16..=240, 1_i16..=DAY];
    (1_u8..128, minute(), to, 0..ZONES.len())
        .prop_map(|(days, from, to, zone)| mute(Days(days), from, to, ZONES[zone]))
}

/// A whole minute of these years, half of the time within two days of a change of clocks.
fn any_moment() -> impl Strategy<Value = Timestamp> {
    let anywhere =
        (at("2007-01-01T00:00:00Z").as_second() / 60)..(at("2036-01-01T00:00:00Z").as_second() / 60);
    let near = (0..ZONES.len(), anywhere.clone(), -2_880_i64..2_880).prop_map(|(zone, minute, off)| {
        let moment = Timestamp::from_second(minute * 60).unwrap();
        let zone = zone_of(ZONES[zone]).unwrap();
        let change = zone.following(moment).next().map_or(moment, |change| change.timestamp());
        change.as_second() / 60 + off
    });
    prop_oneof![anywhere, near].prop_map(|minute| Timestamp::from_second(minute * 60).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn an_end_is_where_a_walk_minute_by_minute_finds_it(
        mutes in prop::collection::vec(any_mute(), 1..4),
        now in any_moment(),
    ) {
        let walked = walk(&mutes, now);
        let end = end_of(&mutes.iter().collect::<Vec<_>>(), now);
        prop_assert_eq!(end.is_some(), walked != now);
        prop_assert_eq!(end.map_or(now, |end| end.until), walked);
    }

    #[test]
    fn an_end_is_later_and_the_same_from_anywhere_before_it(mute in any_mute(), now in any_moment()) {
        if let Some(end) = end_of(&[&mute], now).filter(|end| end.is_known) {
            prop_assert!(end.until > now);
            prop_assert!(!mute.covers(end.until));
            let halfway = now + (end.until.duration_since(now) / 2);
            prop_assert_eq!(end_of(&[&mute], halfway).map(|end| end.until), Some(end.until));
        }
    }
}
