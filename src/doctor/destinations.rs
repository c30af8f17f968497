//! Every destination: whether it can be reached and lets us in.

use futures_util::future::join_all;

use super::outside::{Outside, PATIENCE};
use super::report::{Check, Group};
use crate::config::Config;
use crate::delivery::DestinationKind;
use crate::notify::visit::{Visit, Welcome, visit};
use crate::notify::{BuildError, Destination, notifier};

/// Looks at every destination of the routing file.
pub(super) async fn look(config: &Config, outside: &Outside) -> Vec<Check> {
    if config.destinations.is_empty() {
        let hint = "write a table like `[slack.team]` into routes.toml";
        return vec![Check::warning(Group::Destinations, "there is none, so nothing is sent").hint(hint)];
    }
    join_all(config.destinations.iter().map(|destination| of(destination, outside))).await
}

async fn of(destination: &Destination, outside: &Outside) -> Check {
    let (name, kind) = (&destination.name, destination.service.kind());
    let shown = format!("`{name}` ({kind})");
    if outside.is_offline {
        return match notifier(destination, &outside.client) {
            Ok(_) => Check::unknown(Group::Destinations, format!("{shown} was not called (--offline)")),
            Err(error) => unusable(&shown, &error),
        };
    }
    let call = visit(destination, &outside.client, PATIENCE);
    let visited = match kind {
        // Of somebody's own service it is not known whether it keeps its time.
        DestinationKind::Webhook => outside.call(call).await,
        DestinationKind::Slack | DestinationKind::Discord => {
            let date =
                |visited: &Result<Visit, BuildError>| visited.as_ref().ok().and_then(|visit| visit.date);
            outside.call_timed(call, date).await
        }
    };
    match visited {
        Some(Ok(visit)) => told(&shown, name.as_str(), &visit),
        Some(Err(error)) => unusable(&shown, &error),
        None => Check::unknown(Group::Destinations, format!("{shown} was not called: no time was left")),
    }
}

fn unusable(shown: &str, error: &BuildError) -> Check {
    let hint = "what goes there waits: set it for `serve`, or run `doctor` with its environment";
    Check::warning(Group::Destinations, format!("{shown} cannot be called: {error}")).hint(hint)
}

fn told(shown: &str, name: &str, visit: &Visit) -> Check {
    let host = &visit.host;
    match &visit.welcome {
        Welcome::Known(who) => Check::ok(Group::Destinations, format!("{shown}: `{host}` knows it: {who}")),
        Welcome::Answers(status) => {
            let message = format!("{shown}: `{host}` answers (status {status})");
            let hint = format!("whether it takes a message, `seer-relay test {name}` tells");
            Check::ok(Group::Destinations, message).hint(hint)
        }
        Welcome::Refused(words) => {
            let message = format!("{shown}: `{host}` does not let us in: {words}");
            let hint = "compare its address and secrets with what the service shows; what went there meanwhile is a \
                        dead letter, and `seer-relay replay --dead` sends it";
            Check::fault(Group::Destinations, message).hint(hint)
        }
        Welcome::Trouble(words) => {
            let hint = "what goes there waits and is tried again";
            Check::warning(Group::Destinations, format!("{shown}: `{host}` is in trouble: {words}"))
                .hint(hint)
        }
        Welcome::Untrusted(words) => {
            let hint = "mend its certificate, or name its root in `delivery.ca_file`";
            Check::fault(Group::Destinations, format!("{shown}: `{host}`: {words}")).hint(hint)
        }
        Welcome::Unreachable(words) => {
            let message = format!("{shown}: `{host}` does not answer this machine: {words}");
            let hint = "let the relay's machine reach it, by `HTTPS_PROXY` where there is one; what goes there waits";
            Check::warning(Group::Destinations, message).hint(hint)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn every_welcome_has_its_words_and_only_what_has_to_be_mended_is_a_fault() {
        let words = || "no_service".to_owned();
        for (welcome, state, message) in [
            (Welcome::Known("x".to_owned()), State::Ok, "`dev` (discord): `discord.com` knows it: x"),
            (Welcome::Answers(404), State::Ok, "`dev` (discord): `discord.com` answers (status 404)"),
            (
                Welcome::Refused(words()),
                State::Fault,
                "`dev` (discord): `discord.com` does not let us in: no_service",
            ),
            (
                Welcome::Trouble(words()),
                State::Warning,
                "`dev` (discord): `discord.com` is in trouble: no_service",
            ),
            (Welcome::Untrusted(words()), State::Fault, "`dev` (discord): `discord.com`: no_service"),
            (
                Welcome::Unreachable(words()),
                State::Warning,
                "`dev` (discord): `discord.com` does not answer this machine: no_service",
            ),
        ] {
            let visit = Visit { host: "discord.com".to_owned(), welcome, date: None };
            let check = told("`dev` (discord)", "dev", &visit);
            assert_eq!((check.state, check.message.as_str()), (state, message));
        }
    }
}
