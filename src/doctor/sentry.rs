//! Sentry's API: whether it answers, and whether each organization's token may read its issues.

use futures_util::future::join_all;

use super::outside::{Outside, PATIENCE};
use super::report::{Check, Group};
use crate::config::Config;
use crate::secret::Secret;
use crate::sentry::OrganizationConfig;
use crate::sentry::api::knock::{Knocked, without_token};
use crate::sentry::api::{ApiError, SentryApi};

/// Looks at the API of every organization.
pub(super) async fn look(config: &Config, outside: &Outside) -> Vec<Check> {
    if outside.is_offline {
        return vec![Check::unknown(Group::Sentry, "it was not called (--offline)")];
    }
    join_all(config.organizations.iter().map(|organization| of(organization, outside))).await
}

async fn of(config: &OrganizationConfig, outside: &Outside) -> Check {
    let (slug, lookup) = (&config.organization, &config.lookup);
    let host = lookup.api_url.host_str().unwrap_or_default();
    match &lookup.api_token {
        None => {
            let call = without_token(&outside.client, &lookup.api_url, PATIENCE);
            match outside.call_timed(call, |answered| answered.as_ref().ok().copied().flatten()).await {
                Some(Ok(_)) => {
                    let message =
                        format!("`{slug}`: `{host}` answers; there is no `api_token`, so nothing is asked");
                    Check::ok(Group::Sentry, message)
                }
                Some(Err(error)) => {
                    unreached(&format!("`{slug}`: `{host}` does not answer this machine: {error}"))
                }
                None => unreached(&format!("`{slug}`: `{host}` was not called: no time was left")),
            }
        }
        Some(Secret::Missing(why)) => {
            let message = format!("`{slug}`: its `api_token` cannot be tried: {why}");
            Check::warning(Group::Sentry, message).hint("run `doctor` with the environment of `serve`")
        }
        Some(Secret::Known(token)) => {
            let (client, organization) = (outside.client.clone(), config.organization.clone());
            let api = SentryApi::new(client, organization, lookup.api_url.clone(), token);
            match outside.call_timed(api.knock(), |knocked| knocked.date).await {
                Some(Knocked { outcome: Ok(()), .. }) => {
                    Check::ok(Group::Sentry, format!("`{slug}`: `{host}` lets the token read issues"))
                }
                Some(Knocked { outcome: Err(error), .. }) => refused(slug.as_str(), host, &error),
                None => unreached(&format!("`{slug}`: `{host}` was not called: no time was left")),
            }
        }
    }
}

fn unreached(message: &str) -> Check {
    let hint = "without Sentry's API messages go out all the same, but do not name their issues";
    Check::warning(Group::Sentry, message).hint(hint)
}

fn refused(slug: &str, host: &str, error: &ApiError) -> Check {
    let fault = |says: &str, hint: &str| {
        Check::fault(Group::Sentry, format!("`{slug}`: {says}")).hint(hint.to_owned())
    };
    match error {
        ApiError::Unauthorized => fault(
            &format!("`{host}` does not know the token"),
            "copy a token of the integration again (Settings, Developer Settings, your integration, Tokens)",
        ),
        ApiError::Forbidden => fault(
            "the token may not read issues",
            "give the integration Issue & Event: Read (Settings, Developer Settings), and save it",
        ),
        ApiError::NotFound => fault(
            &format!("`{host}` has no organization of this slug that the token may see"),
            "name the table of relay.toml by the slug in https://SLUG.sentry.io, and see `api_url`",
        ),
        ApiError::RateLimited | ApiError::Unavailable(_) | ApiError::NotUnderstood(_) => {
            unreached(&format!("`{slug}`: `{host}`: {error}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn what_only_people_can_mend_is_a_fault_and_what_passes_is_not() {
        for (error, state, message) in [
            (ApiError::Unauthorized, State::Fault, "`acme`: `sentry.io` does not know the token"),
            (ApiError::Forbidden, State::Fault, "`acme`: the token may not read issues"),
            (
                ApiError::NotFound,
                State::Fault,
                "`acme`: `sentry.io` has no organization of this slug that the token may see",
            ),
            (ApiError::RateLimited, State::Warning, "`acme`: `sentry.io`: Sentry was asked too often"),
            (
                ApiError::Unavailable("status 503".to_owned()),
                State::Warning,
                "`acme`: `sentry.io`: Sentry does not answer: status 503",
            ),
        ] {
            let check = refused("acme", "sentry.io", &error);
            assert_eq!((check.state, check.message.as_str()), (state, message));
            assert!(check.hint.is_some());
        }
    }
}
