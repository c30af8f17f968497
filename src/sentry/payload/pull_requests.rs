//! Pull requests: nested as Sentry sends them, flat as its first version did, or failed.

use serde_json::{Map, Value};
use url::Url;

use super::super::reading::{id, name, object, web_address, whole_number};
use crate::event::PullRequest;

/// Sentry's word for a provider that it does not tell.
const UNKNOWN_PROVIDER: &str = "unknown";

/// What Sentry puts before the names of providers in some places.
const PROVIDER_PREFIX: &str = "integrations:";

/// Words in a host that tell the provider, and what it is called then.
const PROVIDER_HOSTS: [(&str, &str); 5] = [
    ("github", "github"),
    ("gitlab", "gitlab"),
    ("bitbucket", "bitbucket"),
    ("dev.azure.com", "azure_devops"),
    ("visualstudio.com", "azure_devops"),
];

/// What stands before a pull request's number in its address, on the hosts above.
const PULL_REQUEST_PATHS: [&str; 4] = ["pull", "merge_requests", "pull-requests", "pullrequest"];

/// Reads `data.pull_requests`; `None` where there is no list.
pub(super) fn read(value: Option<&Value>) -> Option<Vec<PullRequest>> {
    match value? {
        Value::Array(items) => Some(items.iter().filter_map(pull_request).collect()),
        one @ Value::Object(_) => pull_request(one).map(|pull_request| vec![pull_request]),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// Reads one entry; `None` where it names neither a repository nor a pull request.
fn pull_request(item: &Value) -> Option<PullRequest> {
    let outer = item.as_object()?;
    let inner = object(outer.get("pull_request")).unwrap_or(outer);
    // An activity alert has `url` alone.
    let link = inner.get("pr_url").or_else(|| inner.get("url"));
    let address = web_address(link);
    let number = whole_number(inner.get("pr_number")).or_else(|| number_in(address.as_ref()?));
    let pr_id = id(inner.get("pr_id"));
    let repo = name(outer.get("repo_name"));
    let failed = number.is_none() && pr_id.is_none() && name(link).is_none();
    if failed && repo.is_none() {
        return None;
    }
    Some(PullRequest {
        provider: provider(outer, address.as_ref()),
        repo,
        number,
        id: pr_id,
        url: address.map(String::from),
        failed,
        reason: None,
        ready: None,
    })
}

/// Returns the number that an address ends with: `…/pull/128`, `…/-/merge_requests/128`.
fn number_in(address: &Url) -> Option<u64> {
    let segments: Vec<&str> = address.path_segments()?.filter(|segment| !segment.is_empty()).collect();
    match segments.as_slice() {
        [.., kind, number] if PULL_REQUEST_PATHS.contains(kind) => number.parse().ok(),
        _ => None,
    }
}

fn provider(outer: &Map<String, Value>, address: Option<&Url>) -> Option<String> {
    let named = name(outer.get("provider")).map(|name| name.trim_start_matches(PROVIDER_PREFIX).to_owned());
    if let Some(named) = named.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case(UNKNOWN_PROVIDER))
    {
        return Some(named);
    }
    let host = address?.host_str()?;
    let told = PROVIDER_HOSTS.iter().find(|(word, _)| host.contains(word));
    told.map(|(_, provider)| (*provider).to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn one(item: &serde_json::Value) -> Option<PullRequest> {
        read(Some(&json!([item]))).unwrap().pop()
    }

    #[test]
    fn nested_and_flat_pull_requests_read_alike() {
        let url = "https://github.com/acme/api/pull/128";
        let expected = PullRequest {
            repo: Some("acme/api".to_owned()),
            provider: Some("github".to_owned()),
            number: Some(128),
            id: Some("456789".to_owned()),
            url: Some(url.to_owned()),
            failed: false,
            reason: None,
            ready: None,
        };
        let nested = json!({"provider": "unknown", "repo_name": "acme/api",
            "pull_request": {"pr_id": 456_789, "pr_number": 128, "pr_url": url}});
        let flat = json!({"repo_name": "acme/api", "pr_id": "456789", "pr_number": "128", "pr_url": url, "provider": null});
        assert_eq!(one(&nested), Some(expected.clone()));
        assert_eq!(one(&flat), Some(expected));
    }

    #[test]
    fn a_repository_without_a_pull_request_is_a_failed_one() {
        for item in [
            json!({"repo_name": "acme/api", "provider": "github", "pull_request": null}),
            json!({"repo_name": "acme/api", "provider": "github"}),
            json!({"repo_name": "acme/api", "provider": "github",
                "pull_request": {"pr_id": null, "pr_number": null, "pr_url": null}}),
            json!({"repo_name": "acme/api", "provider": "github", "pull_request": {"pr_url": ""}}),
        ] {
            let read = one(&item).unwrap();
            assert!(read.failed);
            assert_eq!(read.repo.as_deref(), Some("acme/api"));
            assert_eq!(read.provider.as_deref(), Some("github"));
        }
    }

    #[test]
    fn an_address_that_is_not_for_a_browser_is_dropped_but_is_no_failure() {
        let read =
            one(&json!({"repo_name": "a", "pull_request": {"pr_url": "javascript:alert(1)"}})).unwrap();
        assert_eq!(read.url, None);
        assert!(!read.failed);
    }

    #[test]
    fn an_unknown_provider_is_told_from_the_host() {
        for (url, provider) in [
            ("https://github.com/a/b/pull/1", Some("github")),
            ("https://github.acme.dev/a/b/pull/1", Some("github")),
            ("https://gitlab.acme.dev/a/b/-/merge_requests/1", Some("gitlab")),
            ("https://bitbucket.org/a/b/pull-requests/1", Some("bitbucket")),
            ("https://dev.azure.com/a/b/_git/c/pullrequest/1", Some("azure_devops")),
            ("https://acme.visualstudio.com/b/_git/c/pullrequest/1", Some("azure_devops")),
            ("https://git.acme.dev/github/b/pull/1", None),
        ] {
            let read = one(&json!({"provider": "unknown", "pull_request": {"pr_url": url}})).unwrap();
            assert_eq!(read.provider.as_deref(), provider, "{url}");
        }
    }

    #[test]
    fn a_number_that_is_not_named_is_told_from_the_address() {
        for (url, number) in [
            ("https://github.com/a/b/pull/12", Some(12)),
            ("https://gitlab.acme.dev/a/b/-/merge_requests/7/", Some(7)),
            ("https://bitbucket.org/a/b/pull-requests/1?x=2", Some(1)),
            ("https://dev.azure.com/a/b/_git/c/pullrequest/3#files", Some(3)),
            ("https://github.com/a/b/pull/12/files", None),
            ("https://github.com/a/b/issues/12", None),
            ("https://github.com/pull/99999999999999999999", None),
            ("https://github.com/", None),
        ] {
            assert_eq!(one(&json!({"repo_name": "a/b", "url": url})).unwrap().number, number, "{url}");
        }
        let named = json!({"pr_number": 5, "pr_url": "https://github.com/a/b/pull/12"});
        assert_eq!(one(&named).unwrap().number, Some(5));
    }

    #[test]
    fn a_provider_that_sentry_names_stands() {
        let url = "https://github.com/a/b/pull/1";
        for (named, provider) in
            [("integrations:github_enterprise", "github_enterprise"), ("gitlab", "gitlab")]
        {
            let read = one(&json!({"provider": named, "pull_request": {"pr_url": url}})).unwrap();
            assert_eq!(read.provider.as_deref(), Some(provider));
        }
    }

    #[test]
    fn odd_entries_are_left_out() {
        assert_eq!(read(None), None);
        assert_eq!(read(Some(&json!(null))), None);
        assert_eq!(read(Some(&json!("x"))), None);
        assert_eq!(read(Some(&json!([null, 1, "x", {}, []]))), Some(Vec::new()));
        assert_eq!(read(Some(&json!({"repo_name": "a", "pr_number": 1}))).unwrap().len(), 1);
    }
}
