//! Patches: a diff as files and their hunks.

/// What was changed in a file.
pub(super) struct File<'a> {
    /// What stands above its first hunk, each line ended.
    pub(super) head: String,
    hunks: Vec<Hunk<'a>>,
}

struct Hunk<'a> {
    text: &'a str,
    lines: usize,
}

impl<'a> File<'a> {
    /// Reads a diff, which is one file's or may be of several. What has no hunks is one.
    pub(super) fn read(diff: &'a str, path: &str, is_file: bool) -> Vec<Self> {
        let mut starts = vec![0];
        let mut hunks = Vec::new();
        let (mut at, mut before) = (0, "");
        let mut in_head = true;
        for line in diff.split_inclusive('\n') {
            if line.starts_with("@@") {
                in_head = false;
                hunks.push(at);
            } else if !is_file && !in_head {
                let names = line.starts_with("+++ ") && before.starts_with("--- ");
                if names || line.starts_with("diff --git ") {
                    in_head = true;
                    starts.push(if names { at - before.len() } else { at });
                }
            }
            before = line;
            at += line.len();
        }
        let ends = starts.iter().skip(1).copied().chain([diff.len()]);
        let parts = starts.iter().copied().zip(ends);
        parts.map(|(start, end)| Self::part(diff, path, is_file, (start, end), &hunks)).collect()
    }

    fn part(diff: &'a str, path: &str, is_file: bool, part: (usize, usize), hunks: &[usize]) -> Self {
        let (start, end) = part;
        let mut starts: Vec<usize> =
            hunks.iter().copied().filter(|hunk| (start..end).contains(hunk)).collect();
        if starts.is_empty() {
            starts.push(start);
        }
        let text = |start, end| diff.get(start..end).unwrap_or_default().trim_end_matches('\n');
        let above = text(start, starts.first().copied().unwrap_or(start));
        // Of what stands above a file's first hunk only its names tell a reader something.
        let tells = |line: &&str| !is_file || line.starts_with("--- ") || line.starts_with("+++ ");
        let mut head: String = above.lines().filter(tells).flat_map(|line| [line, "\n"]).collect();
        if head.is_empty() && !path.is_empty() {
            head = format!("--- {path}\n");
        }
        let ends = starts.iter().skip(1).copied().chain([end]);
        let hunks = starts.iter().zip(ends).map(|(start, end)| Hunk::new(text(*start, end))).collect();
        Self { head, hunks }
    }

    /// Returns how many lines it has.
    pub(super) fn length(&self) -> usize {
        self.head.lines().count() + self.hunks.iter().map(|hunk| hunk.lines).sum::<usize>()
    }

    /// Writes whole hunks while they fit into so many lines, and where `in_part`, of a first one that does not as
    /// much as fits. Returns how many lines these are, and whether they are all.
    pub(super) fn take(&self, most: usize, in_part: bool, shown: &mut String) -> (usize, bool) {
        let mut taken = 0;
        for (index, hunk) in self.hunks.iter().enumerate() {
            let head = if index == 0 { self.head.as_str() } else { "" };
            let lines = head.lines().count() + hunk.lines;
            if taken + lines > most {
                if index == 0 && in_part {
                    taken = self.take_part(hunk, most, shown);
                }
                return (taken, false);
            }
            shown.push_str(head);
            shown.push_str(hunk.text);
            shown.push('\n');
            taken += lines;
        }
        (taken, true)
    }

    fn take_part(&self, hunk: &Hunk<'_>, most: usize, shown: &mut String) -> usize {
        let head: Vec<&str> = self.head.lines().take(most).collect();
        let lines = hunk.window(most - head.len());
        for line in head.iter().chain(&lines) {
            shown.push_str(line);
            shown.push('\n');
        }
        head.len() + lines.len()
    }
}

impl<'a> Hunk<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, lines: text.lines().count() }
    }

    /// Returns so many of its lines, a change among them.
    fn window(&self, most: usize) -> Vec<&'a str> {
        let is_change = |line: &str| line.starts_with(['+', '-']);
        let has_place = self.text.starts_with("@@");
        let place = self.text.lines().take(usize::from(has_place && most > 1));
        let room = most - place.clone().count();
        let body = || self.text.lines().skip(usize::from(has_place));
        let change = body().position(is_change).filter(|_| has_place).unwrap_or_default();
        let start = if change * 2 < room { 0 } else { change - change.min(usize::from(room > 2)) };
        place.chain(body().skip(start).take(room)).collect()
    }
}
