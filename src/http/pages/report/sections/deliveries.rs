//! Deliveries: what became of them, for each destination and in time.

use super::super::ink::{Ink, Key};
use super::super::plot::{Bar, Plot, Row};
use super::super::sheets::Part;
use super::{Section, Series, Table, length};
use crate::delivery::DeliveryState;
use crate::http::pages::words::counted;
use crate::store::{DestinationCounts, Report};

/// How many destinations are drawn.
const MOST_DESTINATIONS: usize = 20;

/// The ends that a report tells apart, in the order in which they are drawn; what is being sent counts as waiting.
const ENDS: [(DeliveryState, Ink, &str); 4] = [
    (DeliveryState::Delivered, Ink::Delivered, "delivered"),
    (DeliveryState::Waiting, Ink::Waiting, "waiting"),
    (DeliveryState::Superseded, Ink::Superseded, "superseded"),
    (DeliveryState::Dead, Ink::Dead, "dead letters"),
];

/// Tells what became of deliveries, for each destination.
pub(super) fn by_destination(report: &Report) -> Section {
    let deliveries = &report.deliveries;
    let title = "Deliveries by destination";
    let told = ENDS.map(|(state, _, name)| format!("{} {name}", deliveries.number(state)));
    let gist = match deliveries.destinations.len() {
        0 => "No delivery was planned.".to_owned(),
        number => {
            let number = u64::try_from(number).unwrap_or(u64::MAX);
            let all = counted(deliveries.total, "delivery", "deliveries");
            format!("{all} to {}: {}.", counted(number, "destination", "destinations"), told.join(", "))
        }
    };
    let mut largest: Vec<&DestinationCounts> = deliveries.destinations.iter().collect();
    largest.sort_by_key(|destination| std::cmp::Reverse(destination.total));
    let bars: Vec<Row> = largest.iter().take(MOST_DESTINATIONS).map(|each| bar(each)).collect();
    let is_there = deliveries.total > 0;
    Section {
        id: "deliveries",
        title: title.to_owned(),
        plot_html: is_there.then(|| Plot { id: "deliveries", title, gist: &gist }.bars(&bars)),
        legend: if is_there { ENDS.map(|(_, ink, name)| Key::new(ink, name)).into() } else { Vec::new() },
        table: table(&deliveries.destinations),
        note: (largest.len() > MOST_DESTINATIONS)
            .then(|| format!("The {MOST_DESTINATIONS} destinations with the most deliveries are drawn.")),
        csv: Part::Deliveries,
        gist,
    }
}

fn bar(destination: &DestinationCounts) -> Row {
    let stack = ENDS.map(|(state, ink, _)| (ink, length(destination.number(state)))).into();
    let label = match destination.number(DeliveryState::Dead) {
        0 => destination.total.to_string(),
        dead => format!("{} · {dead} dead", destination.total),
    };
    Row { name: destination.destination.clone(), bars: vec![Bar { stack, label }] }
}

fn table(destinations: &[DestinationCounts]) -> Table {
    let rows = destinations.iter().map(|destination| {
        let number = |state| destination.number(state).to_string();
        let [delivered, waiting, superseded, dead] = ENDS.map(|(state, ..)| number(state));
        let all = destination.total.to_string();
        [destination.destination.clone(), all, delivered, waiting, superseded, dead, died_of(destination)]
    });
    Table::new(["Destination", "All", "Delivered", "Waiting", "Superseded", "Dead letters", "Died of"], rows)
}

/// Why deliveries became dead letters, with how many of each: `auth 3, timeout 1`.
fn died_of(destination: &DestinationCounts) -> String {
    let dead = destination.outcomes.iter().filter(|outcome| outcome.state == DeliveryState::Dead);
    let reasons = dead.map(|outcome| {
        let reason = outcome.reason.map_or("unknown", |reason| reason.as_str());
        format!("{reason} {}", outcome.deliveries)
    });
    reasons.collect::<Vec<_>>().join(", ")
}

/// Tells how many deliveries arrived and how many died, in time.
pub(super) fn by_day(report: &Report, series: &Series) -> Section {
    let title = format!("Delivered and dead by {}", series.length.name());
    let sum = |state| report.deliveries.number(state);
    let (delivered, dead) = (sum(DeliveryState::Delivered), sum(DeliveryState::Dead));
    let is_there = delivered + dead > 0;
    let gist = if is_there {
        let dead = counted(dead, "became a dead letter", "became dead letters");
        format!("{delivered} delivered, {dead}, by when they were planned.")
    } else {
        "No delivery came to its end.".to_owned()
    };
    let columns = series.columns(|period| vec![(Ink::Delivered, period.delivered), (Ink::Dead, period.dead)]);
    let rows =
        series.periods.iter().rev().map(|period| {
            [period.name(series.length), period.delivered.to_string(), period.dead.to_string()]
        });
    let keys = [(Ink::Dead, "dead letters"), (Ink::Delivered, "delivered")];
    Section {
        id: "delivered",
        plot_html: is_there.then(|| Plot { id: "delivered", title: &title, gist: &gist }.columns(&columns)),
        legend: if is_there { keys.map(|(ink, text)| Key::new(ink, text)).into() } else { Vec::new() },
        table: if is_there {
            Table::new([series.head(), "Delivered", "Dead letters"], rows)
        } else {
            Table::default()
        },
        note: series.note().filter(|_| is_there),
        csv: Part::Days,
        title,
        gist,
    }
}
