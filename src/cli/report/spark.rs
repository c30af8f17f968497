//! Sparklines: numbers as a line of blocks, as tall as they are large.

/// From the least to the most.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Where there is nothing.
const NOTHING: char = '·';

/// A line has at most so many columns; of more numbers several share one.
const COLUMNS: usize = 60;

/// Draws numbers from left to right. Nothing is a dot, and the largest number is as tall as a line.
pub(super) fn spark(numbers: &[u64]) -> String {
    let share = numbers.len().div_ceil(COLUMNS).max(1);
    let sums: Vec<u64> = numbers.chunks(share).map(|chunk| chunk.iter().sum()).collect();
    let most = sums.iter().max().copied().unwrap_or_default();
    sums.into_iter().map(|number| block(number, most)).collect()
}

fn block(number: u64, most: u64) -> char {
    let steps = u128::try_from(BLOCKS.len()).unwrap_or_default();
    // From 1 to 8, of what is not nothing.
    let height = (u128::from(number) * steps).div_ceil(u128::from(most).max(1));
    let place = usize::try_from(height).unwrap_or_default().checked_sub(1);
    place.and_then(|place| BLOCKS.get(place)).copied().unwrap_or(NOTHING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_as_tall_as_its_numbers() {
        assert_eq!(spark(&[0, 1, 4, 8]), "·▁▄█");
        assert_eq!(spark(&[1, 1000]), "▁█");
        assert_eq!(spark(&[0, 0]), "··");
        assert_eq!(spark(&[]), "");
        assert_eq!(spark(&[u64::MAX / 2, 0]), "█·");
    }

    #[test]
    fn many_days_share_columns() {
        assert_eq!(spark(&[1; 120]).chars().count(), 60);
        assert_eq!(spark(&[1; 61]).chars().count(), 31);
    }
}
