//! On which terms a message goes to a destination: at once, after a mute, or not at all; and whom it mentions. Pure.

use jiff::Timestamp;

use super::mute::{self, Mute};
use super::{Route, RoutedDestination, RoutingTable};
use crate::delivery::{DestinationKind, Mention, Mentions, Muting, Part, name_of, unite};
use crate::event::words;

words! {
    /// What becomes of a route's messages while it is muted.
    Muted {
        /// They are held back until the mute ends.
        Hold = "hold",
        /// They are not sent; their events are kept.
        Drop = "drop",
    }
}

#[expect(clippy::derivable_impls, reason = "the macro that makes the words gives them no default")]
impl Default for Muted {
    fn default() -> Self {
        Self::Hold
    }
}

/// On which terms a message goes to a destination.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// Why it is held back or dropped; `None` where it goes out at once.
    pub muting: Option<Muting>,
    /// Whom it mentions: of the routes by which it goes out.
    pub mentions: Mentions,
}

impl Terms {
    /// Returns whom a part of an event's messages mentions at a destination of this kind: who is to look. Beside a card
    /// that is by what is announced, and else where it is posted.
    pub fn mentioned_by(&self, part: Part, parts: &[Part], kind: DestinationKind) -> &[Mention] {
        match part {
            Part::Card if parts.contains(&Part::Announcement) => &[],
            // It tells of what many routes sent, at a time that nobody waits for.
            Part::Digest => &[],
            Part::Card | Part::Message | Part::Announcement => self.mentions.of(kind),
        }
    }
}

impl RoutingTable {
    /// Returns the terms on which an event's message goes to a destination now.
    ///
    /// It goes out at once by the routes that are not muted, and mentions whom they name. Where all are, it waits for the
    /// first of the mutes of those that hold back to end, and is dropped only where none of them holds back.
    pub fn terms(&self, destination: &RoutedDestination, now: Timestamp) -> Terms {
        let routes: Vec<&Route> = self.routes_of(destination).collect();
        let open: Vec<&Route> = routes.iter().copied().filter(|route| !route.is_muted(now)).collect();
        if !open.is_empty() || routes.is_empty() {
            return Terms { muting: None, mentions: united(&open) };
        }
        let holding: Vec<&Route> =
            routes.iter().copied().filter(|route| route.muted == Muted::Hold).collect();
        let dropped = holding.is_empty();
        let muted_by = if dropped { &routes } else { &holding };
        let mutings = muted_by.iter().filter_map(|route| route.muting(now, dropped));
        Terms { muting: mutings.min_by_key(|muting| muting.until), mentions: united(muted_by) }
    }

    /// Returns the terms on which a message goes to a destination whatever the time: somebody asks for it.
    pub fn unmuted(&self, destination: &RoutedDestination) -> Terms {
        Terms { muting: None, mentions: united(&self.routes_of(destination).collect::<Vec<_>>()) }
    }

    fn routes_of(&self, destination: &RoutedDestination) -> impl Iterator<Item = &Route> {
        destination.routes.iter().filter_map(|place| self.routes().get(*place))
    }
}

impl Route {
    /// Tells whether one of its mutes is in force.
    fn is_muted(&self, now: Timestamp) -> bool {
        self.mute.iter().any(|mute| mute.covers(now))
    }

    fn muting(&self, now: Timestamp, dropped: bool) -> Option<Muting> {
        let mutes: Vec<&Mute> = self.mute.iter().map(AsRef::as_ref).collect();
        let end = mute::end_of(&mutes, now)?;
        Some(Muting { by: end.by, until: end.until, timezone: name_of(&end.zone), dropped })
    }
}

fn united(routes: &[&Route]) -> Mentions {
    let mut mentions = Mentions::default();
    for route in routes {
        unite(&mut mentions.slack, &route.mention.slack);
        unite(&mut mentions.discord, &route.mention.discord);
    }
    mentions
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::delivery::{DestinationName, zone_of};
    use crate::routing::mute::Days;

    /// From so many hours of the day to so many, in Berlin.
    fn mute(name: &str, from: i16, to: i16) -> Arc<Mute> {
        let zone = zone_of("Europe/Berlin").unwrap();
        Arc::new(Mute { name: name.to_owned(), days: Days::ALL, from: from * 60, to: to * 60, zone })
    }

    fn route(times: &[&Arc<Mute>], muted: Muted, user: &str) -> Route {
        let mention = Mentions {
            slack: vec![Mention::Here],
            discord: vec![Mention::DiscordUser(user.to_owned()), Mention::Here],
        };
        let mute = times.iter().map(|mute| Arc::clone(mute)).collect();
        Route { name: user.to_owned(), mute, muted, mention, ..Route::default() }
    }

    /// The terms of all routes together: why it does not go out now, when it does, and whom it mentions.
    fn terms(routes: Vec<Route>, now: &str) -> (String, String, String) {
        let places = (0..routes.len()).collect();
        let name = DestinationName::new("x");
        let to = RoutedDestination { name, template_set: None, routes: places };
        let Terms { muting, mentions } = RoutingTable::new(routes).terms(&to, now.parse().unwrap());
        let why = muting.as_ref().map(ToString::to_string).unwrap_or_default();
        let until = muting.and_then(|muting| muting.held_until());
        let names: Vec<String> = mentions.discord.iter().map(ToString::to_string).collect();
        (why, until.map(|until| until.to_string()).unwrap_or_default(), names.join(" "))
    }

    fn told(why: &str, until: &str, names: &str) -> (String, String, String) {
        (why.to_owned(), until.to_owned(), names.to_owned())
    }

    const NIGHT: &str = "2026-12-01T22:00:00+01:00";
    const DAY: &str = "2026-12-01T12:00:00+01:00";

    #[test]
    fn one_route_that_is_not_muted_is_enough_and_mentions_its_own_people() {
        let nights = mute("nights", 20, 8);
        let routes = || vec![route(&[&nights], Muted::Hold, "1"), route(&[], Muted::Hold, "2")];
        assert_eq!(terms(routes(), NIGHT), told("", "", "user:2 here"));
        assert_eq!(terms(routes(), DAY), told("", "", "user:1 here user:2"));
    }

    #[test]
    fn where_all_are_muted_it_waits_for_the_first_to_end() {
        let (nights, evenings, mornings) =
            (mute("nights", 20, 8), mute("evenings", 18, 23), mute("mornings", 23, 9));
        let late = route(&[&nights, &mornings], Muted::Hold, "1");
        let why = "muted by `nights`, `mornings`, until 2026-12-02 09:00 Europe/Berlin";
        assert_eq!(terms(vec![late.clone()], NIGHT), told(why, "2026-12-02T08:00:00Z", "user:1 here"));
        let early = route(&[&evenings], Muted::Hold, "2");
        let why = "muted by `evenings`, until 2026-12-01 23:00 Europe/Berlin";
        assert_eq!(terms(vec![late, early], NIGHT), told(why, "2026-12-01T22:00:00Z", "user:1 here user:2"));
    }

    #[test]
    fn it_is_dropped_only_where_every_route_drops_it() {
        let (nights, evenings) = (mute("nights", 20, 8), mute("evenings", 18, 23));
        let drops = || route(&[&evenings], Muted::Drop, "1");
        assert_eq!(
            terms(vec![drops(), drops()], NIGHT),
            told("dropped: muted by `evenings`", "", "user:1 here")
        );
        let why = "muted by `nights`, until 2026-12-02 08:00 Europe/Berlin";
        assert_eq!(
            terms(vec![drops(), route(&[&nights], Muted::Hold, "2")], NIGHT),
            told(why, "2026-12-02T07:00:00Z", "user:2 here")
        );
        assert_eq!(terms(vec![drops(), route(&[], Muted::Drop, "2")], NIGHT), told("", "", "user:2 here"));
    }
}
