//! What is said of trouble with Sentry: once when it begins, in words that mend it, and once when it ends.

use std::time::Duration;

use tokio::time::Instant;

use crate::event::Organization;
use crate::sentry::api::ApiError;

/// For how long the same trouble is not said again, should it come and go.
const QUIET: Duration = Duration::from_mins(10);
/// Sentry asking for patience is no news before it asks for so much.
const LONG_HOLD: Duration = Duration::from_secs(30);
/// One issue that Sentry does not know was deleted; so many in a row are in another place.
const MANY_UNKNOWN: u32 = 3;

/// What kind of trouble it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    Token,
    Scope,
    Limit,
    Down,
    Stranger,
    /// It knows none of the issues.
    Elsewhere,
}

/// What was said of one organization.
#[derive(Debug, Default)]
pub(super) struct Voice {
    /// The trouble there is, and whether it was said.
    now: Option<(Trouble, bool)>,
    last_said: Option<(Trouble, Instant)>,
    /// How many issues in a row were not known.
    unknown: u32,
}

impl Voice {
    /// Says that Sentry did not answer, where that is news. `held` is for how long it is left alone now.
    pub(super) fn failed(
        &mut self,
        organization: &Organization,
        error: &ApiError,
        held: Duration,
        now: Instant,
    ) {
        let trouble = match error {
            ApiError::NotFound => Trouble::Elsewhere,
            ApiError::Unauthorized => Trouble::Token,
            ApiError::Forbidden => Trouble::Scope,
            ApiError::RateLimited if held < LONG_HOLD => return,
            ApiError::RateLimited => Trouble::Limit,
            ApiError::Unavailable(_) => Trouble::Down,
            ApiError::NotUnderstood(_) => Trouble::Stranger,
        };
        if self.is_news(trouble, now) {
            say(organization, trouble, error, held);
        }
    }

    /// Notes that Sentry answered, but knows no such issue; says so where that is all that it answers.
    pub(super) fn not_found(&mut self, organization: &Organization, now: Instant) {
        let unknown = self.unknown.saturating_add(1);
        if self.now.is_some_and(|(trouble, _)| trouble != Trouble::Elsewhere) {
            self.answered(organization);
        }
        self.unknown = unknown;
        if unknown >= MANY_UNKNOWN {
            self.failed(organization, &ApiError::NotFound, Duration::ZERO, now);
        }
    }

    /// Says that Sentry answers again, where the contrary was said.
    pub(super) fn answered(&mut self, organization: &Organization) {
        self.unknown = 0;
        if matches!(self.now.take(), Some((_, true))) {
            tracing::info!(
                organization = organization.as_str(),
                "Sentry answers again; messages name their issues"
            );
        }
    }

    fn is_news(&mut self, trouble: Trouble, now: Instant) -> bool {
        if self.now.is_some_and(|(known, _)| known == trouble) {
            return false;
        }
        let is_quiet = self.last_said.is_some_and(|(said, at)| said == trouble && now - at < QUIET);
        self.now = Some((trouble, !is_quiet));
        if !is_quiet {
            self.last_said = Some((trouble, now));
        }
        !is_quiet
    }
}

fn say(organization: &Organization, trouble: Trouble, error: &ApiError, held: Duration) {
    let organization = organization.as_str();
    let held = held.as_secs();
    match trouble {
        Trouble::Token => tracing::error!(
            organization,
            "Sentry does not know the token (401), so messages do not name their issues; copy a token of the \
             integration (Settings, Developer Settings, Tokens) to where `api_token` of `[sentry.{organization}]` is \
             read from; SIGHUP has a file read again, a variable takes a restart"
        ),
        Trouble::Scope => tracing::error!(
            organization,
            "the token may not read issues (403), so messages do not name them; in Sentry give the integration the \
             permission \"Issue & Event: Read\" (scope event:read), or make a new token after that"
        ),
        Trouble::Limit => tracing::warn!(
            organization,
            "Sentry asks for fewer questions and is left alone for {held} s; messages go without what it knows of \
             their issues"
        ),
        Trouble::Down => tracing::warn!(
            organization,
            %error,
            "messages go without what Sentry knows of their issues until it answers"
        ),
        Trouble::Elsewhere => tracing::warn!(
            organization,
            "Sentry knows none of the last issues that it was asked for (404), so messages do not name them; see that \
             `[sentry.{organization}]` is named by the organization's slug, and that `api_token` and `api_url` are its"
        ),
        Trouble::Stranger => tracing::error!(
            organization,
            %error,
            "messages go without what Sentry knows of their issues; `api_url` of `[sentry.{organization}]` has to \
             lead to Sentry itself"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_news_once_until_it_changes_and_not_again_soon() {
        let start = Instant::now();
        let mut voice = Voice::default();
        let minute = |minutes| start + Duration::from_mins(minutes);
        assert!(voice.is_news(Trouble::Token, minute(0)));
        assert!(!voice.is_news(Trouble::Token, minute(60)));
        assert!(voice.is_news(Trouble::Scope, minute(60)));
        voice.answered(&Organization::new("acme"));
        assert!(!voice.is_news(Trouble::Scope, minute(61)), "it comes and goes");
        voice.answered(&Organization::new("acme"));
        assert!(voice.is_news(Trouble::Scope, minute(71)));
    }

    #[test]
    fn issues_that_are_not_known_are_news_where_there_are_many_in_a_row() {
        let (start, acme) = (Instant::now(), Organization::new("acme"));
        let mut voice = Voice::default();
        let mut said_after = |known: &[bool]| {
            for known in known {
                if *known { voice.answered(&acme) } else { voice.not_found(&acme, start) }
            }
            matches!(voice.now, Some((Trouble::Elsewhere, true)))
        };
        assert!(!said_after(&[false, false, true, false, false]));
        assert!(said_after(&[false]));
        assert!(said_after(&[false, false]), "it stays said");
        assert!(!said_after(&[true]));
    }
}
