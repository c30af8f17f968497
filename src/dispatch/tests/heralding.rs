//! What is written of destinations that take nothing, and when what waits for them is handed over.

use std::time::Duration;

use super::fake_notifier::FakeNotifier;
use super::scenes::{DELIVERED, TAKES, fails, pass, refuses};
use super::{Stage, destination, start};
use crate::delivery::{DestinationName, Reason};
use crate::dispatch::moment::between;
use crate::notify::{Destination, Fallback, Verdict};
use crate::routing::{Condition, Conditions, Field, Pattern, Route};
use crate::store::{Downtime, Health};

/// A route for these notices.
fn watching(action: &str) -> Route {
    let action = Condition { field: Field::Action, patterns: vec![Pattern::new(action)] };
    Route {
        name: "watch".to_owned(),
        when: Conditions(vec![action]),
        to: vec![DestinationName::new("audit")],
        ..Route::default()
    }
}

#[tokio::test(start_paused = true)]
async fn that_a_destination_takes_nothing_is_written_once_and_that_it_does_again() {
    let audit = FakeNotifier::new(vec![fails(); 8], TAKES);
    let mut stage = Stage::new().to(destination("audit"), Some(&audit));
    stage.routes.push(watching("relay.destination_*"));
    for number in 0..6 {
        stage.queue("audit", &number.to_string(), &format!("d{number}"));
    }

    let _playing = stage.play();
    stage
        .store
        .until("it is back", |kept| kept.healths.iter().any(|each| each.health == Health::Takes))
        .await;
    pass(Duration::from_mins(5)).await;

    let kept = stage.store.kept();
    let [down, up] = kept.healths.as_slice() else { panic!("{:?}", kept.healths) };
    let Health::Refuses { since, reason } = down.health else { panic!("{down:?}") };
    assert_eq!(reason, Reason::ServerError);
    assert!(between(start(), since) < Duration::from_secs(1) && down.routed.down && down.routed.up);
    assert_eq!((up.health, &up.name), (Health::Takes, &down.name));
    assert_eq!(kept.counts_dead, [false], "no route names them");
    assert_eq!(kept.tells, 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_down_before_the_start_is_back_once_it_takes_a_delivery() {
    let audit = FakeNotifier::new([], TAKES);
    let mut stage = Stage::new().to(destination("audit"), Some(&audit));
    stage.store.kept().downtimes = vec![Downtime { name: DestinationName::new("audit"), is_told: true }];

    let playing = stage.play();
    pass(Duration::from_mins(1)).await;
    assert_eq!(stage.store.kept().healths, [], "nothing is known yet");
    stage.queue("audit", "1", "d");
    stage.store.until("it is delivered", |kept| kept.state("d") == DELIVERED).await;
    stage.store.until("that is written", |kept| !kept.healths.is_empty()).await;
    assert_eq!(stage.store.kept().healths[0].health, Health::Takes);
    drop(playing);
}

#[tokio::test(start_paused = true)]
async fn dead_letters_are_told_of_soon_after_one_died_and_not_before() {
    let audit = FakeNotifier::new([], refuses(Reason::Auth, Verdict::GiveUp, None));
    let mut stage = Stage::new().to(destination("audit"), Some(&audit));
    stage.routes.push(watching("relay.dead_letter"));

    let _playing = stage.play();
    pass(Duration::from_mins(10)).await;
    {
        let kept = stage.store.kept();
        assert_eq!((kept.tells, kept.counts_dead.as_slice()), (1, &[true][..]));
    }
    stage.queue("audit", "1", "d");
    stage.store.until("it is asked for what died", |kept| kept.tells == 2).await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_handed_over_only_where_there_is_a_fallback_and_after_a_first_try() {
    let fallback = Fallback { to: DestinationName::new("ops"), after: Duration::from_mins(10) };
    let backend = Destination { fallback: Some(fallback), ..destination("backend") };
    let mut stage = Stage::new().to(backend, None).to(destination("ops"), None);

    let _playing = stage.play();
    stage.store.until("it is looked", |kept| kept.handed_over.len() >= 3).await;

    let kept = stage.store.kept();
    assert!(kept.handed_over.iter().all(|(wanted, _)| wanted.from.as_str() == "backend"));
    let (wanted, at) = &kept.handed_over[0];
    assert_eq!((wanted.after, wanted.reason), (Duration::from_mins(10), Some(Reason::Auth)), "it has no key");
    assert!(between(start(), *at) >= Duration::from_secs(10), "{at}");
}
