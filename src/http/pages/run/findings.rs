//! What Seer found and planned, with its texts as prose.

use serde::Serialize;

use crate::event::{RootCause, Solution, Step};
use crate::http::pages::prose;

/// How many steps are shown.
const MOST_STEPS: usize = 50;

#[derive(Debug, Serialize)]
pub(super) struct CauseView {
    summary_html: Option<String>,
    steps: Vec<StepView>,
    reproduction: Vec<ProseView>,
    repo: Option<String>,
    no_code_fix_html: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct PlanView {
    summary_html: Option<String>,
    steps: Vec<StepView>,
}

#[derive(Debug, Serialize)]
struct StepView {
    title_html: Option<String>,
    text_html: Option<String>,
    file: Option<String>,
    repo: Option<String>,
    important: bool,
}

#[derive(Debug, Serialize)]
struct ProseView {
    text_html: String,
}

impl From<&RootCause> for CauseView {
    fn from(cause: &RootCause) -> Self {
        let reproduction = cause.reproduction.iter().take(MOST_STEPS);
        Self {
            summary_html: cause.summary.as_deref().map(prose::html),
            steps: steps(&cause.reasons),
            reproduction: reproduction.map(|text| ProseView { text_html: prose::html(text) }).collect(),
            repo: cause.repo.clone(),
            no_code_fix_html: cause.no_code_fix_reason.as_deref().map(prose::html),
        }
    }
}

impl From<&Solution> for PlanView {
    fn from(plan: &Solution) -> Self {
        Self { summary_html: plan.summary.as_deref().map(prose::html), steps: steps(&plan.steps) }
    }
}

fn steps(steps: &[Step]) -> Vec<StepView> {
    steps.iter().take(MOST_STEPS).map(StepView::from).collect()
}

impl From<&Step> for StepView {
    fn from(step: &Step) -> Self {
        Self {
            title_html: step.title.as_deref().map(prose::line),
            text_html: step.text.as_deref().map(prose::html),
            file: step.file.clone(),
            repo: step.repo.clone(),
            important: step.important,
        }
    }
}
