//! The filter `diffstat`: how many lines came and went.

use tera::{TeraResult, Value};

use super::{is_missing, wrong};

/// Returns `+42 −7` of a change, of a file, or of a list of either together.
pub(super) fn of_value(value: &Value) -> TeraResult<String> {
    if is_missing(value) {
        return Ok(String::new());
    }
    let (added, removed) = count(value)?;
    Ok(format!("+{added} −{removed}"))
}

fn count(value: &Value) -> TeraResult<(u64, u64)> {
    if let Some(list) = value.as_array() {
        return list.iter().try_fold((0_u64, 0_u64), |(added, removed), part| {
            let (more, less) = count(part)?;
            Ok((added.saturating_add(more), removed.saturating_add(less)))
        });
    }
    // A count below zero is none.
    let number = |count: i128| u64::try_from(count.max(0)).unwrap_or(u64::MAX);
    let field = |name| value.get_from_path(name).and_then(Value::as_i128).map(number);
    match (field("added"), field("removed")) {
        (Some(added), Some(removed)) if value.is_map() => Ok((added, removed)),
        _ => Err(wrong("diffstat", "a change, a file or a list of them", value)),
    }
}
