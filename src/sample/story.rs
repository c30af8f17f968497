//! The story that the samples tell: a checkout that breaks on a coupon without a discount, in `acme/api`.
//!
//! The texts are as a model writes them: Markdown, code, quotes, and letters beyond ASCII.

use serde_json::{Map, Value, json};

use super::Shape;
use crate::event::Action;

const REPO: &str = "acme/api";
const PULL_REQUEST: &str = "https://github.com/acme/api/pull/128";

const TOTALS_DIFF: &str = include_str!("diffs/totals.diff");
const TESTS_DIFF: &str = include_str!("diffs/tests.diff");
const MODELS_DIFF: &str = include_str!("diffs/models.diff");

const CAUSE: &str = "`cart_total()` subtracts `coupon.discount`, which is **`None`** for a *free shipping* coupon, so \
                     `POST /checkout` fails with a `TypeError`.";
const PLAN: &str = "Treat a missing `discount` as **nothing off** in `cart_total()`, and hold it with tests.";

/// Returns what the action adds to `data`.
pub(super) fn artifacts(action: &Action, shape: Shape) -> Map<String, Value> {
    let artifacts = match action {
        Action::RootCauseCompleted => json!({"root_cause": root_cause(shape)}),
        Action::SolutionCompleted => json!({"solution": solution(shape)}),
        Action::CodingCompleted => code(shape, &[Part::Totals, Part::Tests]),
        Action::PrCreated | Action::PrReadyForReview => json!({"pull_requests": pull_requests()}),
        Action::IterationCompleted => {
            let mut artifacts = code(shape, &[Part::Totals, Part::Tests, Part::Models]);
            if let Value::Object(fields) = &mut artifacts {
                fields.insert("pull_requests".to_owned(), pull_requests());
            }
            artifacts
        }
        Action::RootCauseStarted
        | Action::SolutionStarted
        | Action::CodingStarted
        | Action::IterationStarted
        | Action::RunFailed
        | Action::RunWaiting
        | Action::RunStalled
        | Action::Silent
        | Action::DestinationDown
        | Action::DestinationUp
        | Action::DeadLetter
        | Action::Other(_) => Value::Null,
    };
    match artifacts {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

/// Returns what an activity alert on the action has for `details`.
pub(super) fn details(action: &Action) -> Map<String, Value> {
    let mut details = Map::new();
    match action {
        Action::RootCauseCompleted => drop(details.insert("summary".to_owned(), json!(CAUSE))),
        Action::SolutionCompleted => drop(details.insert("summary".to_owned(), json!(PLAN))),
        Action::PrCreated | Action::PrReadyForReview | Action::IterationCompleted => {
            let opened = json!([{"repo_name": REPO, "url": PULL_REQUEST}]);
            details.insert("pull_requests".to_owned(), opened);
        }
        Action::RootCauseStarted
        | Action::SolutionStarted
        | Action::CodingStarted
        | Action::CodingCompleted
        | Action::IterationStarted
        | Action::RunFailed
        | Action::RunWaiting
        | Action::RunStalled
        | Action::Silent
        | Action::DestinationDown
        | Action::DestinationUp
        | Action::DeadLetter
        | Action::Other(_) => {}
    }
    if *action == Action::IterationCompleted {
        let code = artifacts(action, Shape::Present).remove("code_changes");
        details.insert("code_changes".to_owned(), code.unwrap_or_default());
    }
    details
}

fn root_cause(shape: Shape) -> Value {
    match shape {
        Shape::Documented => json!({
            "description": CAUSE,
            "steps": [
                {
                    "title": "A customer in Zürich redeems `GRATIS-LÖWE` and presses **Pay**.",
                    "code_snippet_and_analysis": "The browser sends `POST /checkout` with a cart over 12,50 €. The \
                        coupon is of the kind *free shipping*: it takes nothing off the price.",
                    "timeline_item_type": "human_action",
                    "relevant_code_file": {"file_path": "N/A", "repo_name": "N/A"},
                    "is_most_important_event": false,
                },
                {
                    "title": "`Coupon.discount` is read as `None`.",
                    "code_snippet_and_analysis": "Migration `0042_free_shipping` made the column nullable, but the \
                        model still says:\n\n```python\nclass Coupon:\n    code: str\n    discount: Decimal\n```\n\n\
                        So the type checker has nothing to object to.",
                    "timeline_item_type": "internal_code",
                    "relevant_code_file": {"file_path": "app/checkout/models.py", "repo_name": REPO},
                    "is_most_important_event": false,
                },
                {
                    "title": "`cart_total()` subtracts it all the same.",
                    "code_snippet_and_analysis": "```python\nif cart.coupon:\n    total -= cart.coupon.discount\n```\n\n\
                        `Decimal - None` raises `TypeError: unsupported operand type(s) for -=`:\n\n\
                        - with a *percentage* coupon all is well;\n- with a *free shipping* coupon the request ends \
                        in a **500**, and the customer may try again & again.",
                    "timeline_item_type": "internal_code",
                    "relevant_code_file": {"file_path": "app/checkout/totals.py", "repo_name": REPO},
                    "is_most_important_event": true,
                },
            ],
        }),
        Shape::Present => json!({
            "one_line_description": CAUSE,
            "five_whys": [
                "**Why does checkout fail?** `POST /checkout` answers 500: `cart_total()` raises `TypeError: unsupported \
                 operand type(s) for -=: 'decimal.Decimal' and 'NoneType'`.",
                "**Why does it raise?** `app/checkout/totals.py` subtracts `coupon.discount` whenever there *is* a \
                 coupon, and here the discount is `None`.",
                "**Why is it `None`?** `GRATIS-LÖWE` is a *free shipping* coupon: it takes nothing off the price, so \
                 migration `0042_free_shipping` made the column nullable.",
                "**Why did nobody notice?** `Coupon.discount` is still typed `Decimal`, so the type checker had nothing \
                 to object to.",
                "**Why did no test fail?** The fixture `coupon()` always sets a discount; a coupon without one was never \
                 in a cart.",
            ],
            "reproduction_steps": [
                "Create a coupon of the kind *free shipping* and leave `discount` empty, for example `GRATIS-LÖWE`.",
                "Put anything into the cart, say one “Café crème” for 12,50 €.",
                "Redeem the coupon and press **Pay**: `POST /checkout` answers 500.",
            ],
            "relevant_repo": REPO,
            "classification": "code_fix",
            "no_code_fix_reason": null,
        }),
    }
}

fn solution(shape: Shape) -> Value {
    let steps = [
        (
            "Guard the subtraction in `cart_total()`",
            "Subtract `coupon.discount` only where it is not `None`:\n\n- a coupon *with* a discount works as before;\n\
             - a *free shipping* coupon leaves the price alone.",
            "app/checkout/totals.py",
        ),
        (
            "Never take off more than there is",
            "`min(coupon.discount, total)` keeps a coupon over 5,00 € from making a cart over 3,00 € **negative**.",
            "app/checkout/totals.py",
        ),
        (
            "Hold both with regression tests",
            "One for a coupon without a discount, one for a discount that is larger than the cart.",
            "tests/checkout/test_totals.py",
        ),
    ];
    match shape {
        Shape::Documented => {
            let steps = steps.map(|(title, text, file)| {
                json!({
                    "title": title,
                    "code_snippet_and_analysis": text,
                    "timeline_item_type": "internal_code",
                    "relevant_code_file": {"file_path": file, "repo_name": REPO},
                    "is_most_important_event": false,
                })
            });
            json!({"description": PLAN, "steps": steps})
        }
        Shape::Present => {
            let steps = steps.map(|(title, text, _)| json!({"title": title, "description": text}));
            json!({"one_line_summary": PLAN, "steps": steps})
        }
    }
}

/// A file of the fix.
#[derive(Clone, Copy)]
enum Part {
    Totals,
    Tests,
    Models,
}

impl Part {
    fn diff(self) -> &'static str {
        match self {
            Self::Totals => TOTALS_DIFF,
            Self::Tests => TESTS_DIFF,
            Self::Models => MODELS_DIFF,
        }
    }

    fn file(self) -> Value {
        let (path, added, removed) = match self {
            Self::Totals => ("app/checkout/totals.py", 4, 2),
            Self::Tests => ("tests/checkout/test_totals.py", 12, 0),
            Self::Models => ("app/checkout/models.py", 1, 1),
        };
        json!({"diff": self.diff(), "path": path, "type": "M", "added": added, "removed": removed})
    }
}

fn code(shape: Shape, parts: &[Part]) -> Value {
    match shape {
        Shape::Documented => {
            let diff: String = parts.iter().map(|part| part.diff()).collect();
            json!({"changes": [{
                "repo_name": REPO,
                "repo_external_id": "73194022",
                "title": "fix(checkout): Let coupons without a discount through",
                "description": "`cart_total()` no longer subtracts a `discount` that is `None`, and never takes off more \
                    than the cart costs.\n\nFixes the **500** on `POST /checkout` with *free shipping* coupons.",
                "diff": diff,
                "branch_name": "seer/fix-checkout-free-shipping-coupon",
            }]})
        }
        Shape::Present => {
            let files: Vec<Value> = parts.iter().map(|part| part.file()).collect();
            json!({"code_changes": {REPO: files}})
        }
    }
}

fn pull_requests() -> Value {
    json!([{
        "provider": "github",
        "repo_name": REPO,
        "pull_request": {
            "pr_id": 2_718_281_828_u64,
            "pr_number": 128,
            "pr_url": PULL_REQUEST,
        },
    }])
}
