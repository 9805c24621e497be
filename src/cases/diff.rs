//! Two texts, line by line. What differs in practice is a few lines in the middle, which the
//! textbook's table of common subsequences finds exactly; a crate would do no more here.

/// The largest table, in cells of four bytes. Past it everything between the first and the last
/// difference is shown as changed.
const CELLS: usize = 4 << 20;

/// How many lines are shown around what differs.
const AROUND: usize = 3;

/// The most lines that are shown.
const SHOWN: usize = 200;

/// A line and where it is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line<'a> {
    Both(&'a str),
    Expected(&'a str),
    Actual(&'a str),
}

/// The lines that differ with some around them: `-` for what was expected and `+` for what came.
pub(super) fn lines(expected: &str, actual: &str) -> Vec<String> {
    let expected: Vec<&str> = expected.lines().collect();
    let actual: Vec<&str> = actual.lines().collect();
    let all = compare(&expected, &actual);
    let near = |index: usize| {
        let from = index.saturating_sub(AROUND);
        let around = all.iter().skip(from).take(index - from + AROUND + 1);
        around
            .into_iter()
            .any(|line| !matches!(line, Line::Both(_)))
    };
    let mut shown = Vec::new();
    let mut left_out = false;
    for (index, line) in all.iter().enumerate() {
        if shown.len() >= SHOWN {
            shown.push("… (the rest is left out)".to_owned());
            break;
        }
        if !near(index) {
            left_out = true;
            continue;
        }
        if std::mem::take(&mut left_out) {
            shown.push("  …".to_owned());
        }
        shown.push(match line {
            Line::Both(text) => format!("  {text}"),
            Line::Expected(text) => format!("- {text}"),
            Line::Actual(text) => format!("+ {text}"),
        });
    }
    shown
}

fn compare<'a>(expected: &[&'a str], actual: &[&'a str]) -> Vec<Line<'a>> {
    let same = |(a, b): &(&&str, &&str)| a == b;
    let head = expected.iter().zip(actual).take_while(same).count();
    let (before, expected) = expected.split_at(head);
    let actual = actual.get(head..).unwrap_or_default();
    let backwards = expected.iter().rev().zip(actual.iter().rev());
    let tail = backwards.take_while(same).count();
    let (expected, after) = expected.split_at(expected.len() - tail);
    let actual = actual.get(..actual.len() - tail).unwrap_or_default();
    let both = |lines: &[&'a str]| lines.iter().copied().map(Line::Both).collect::<Vec<_>>();
    let mut all = both(before);
    middle(expected, actual, &mut all);
    all.extend(both(after));
    all
}

/// What differs in the beginning and in the end.
fn middle<'a>(expected: &[&'a str], actual: &[&'a str], all: &mut Vec<Line<'a>>) {
    let width = actual.len() + 1;
    let cells = (expected.len() + 1).saturating_mul(width);
    let table = if cells > CELLS {
        Vec::new()
    } else {
        common(expected, actual)
    };
    // How many lines are common to what follows here; none where there is no table.
    let follows = |i: usize, j: usize| table.get(i * width + j).copied().unwrap_or_default();
    let (mut i, mut j) = (0, 0);
    loop {
        match (expected.get(i), actual.get(j)) {
            (Some(a), Some(b)) if a == b && !table.is_empty() => {
                all.push(Line::Both(a));
                i += 1;
                j += 1;
            }
            (Some(a), b) if b.is_none() || follows(i + 1, j) >= follows(i, j + 1) => {
                all.push(Line::Expected(a));
                i += 1;
            }
            (_, Some(b)) => {
                all.push(Line::Actual(b));
                j += 1;
            }
            _ => return,
        }
    }
}

/// How many lines the ends from each pair of places have in common.
fn common(expected: &[&str], actual: &[&str]) -> Vec<u32> {
    let width = actual.len() + 1;
    let mut table = vec![0_u32; (expected.len() + 1) * width];
    for (i, a) in expected.iter().enumerate().rev() {
        for (j, b) in actual.iter().enumerate().rev() {
            let at = |i: usize, j: usize| table.get(i * width + j).copied().unwrap_or_default();
            let longest = if a == b {
                at(i + 1, j + 1) + 1
            } else {
                at(i + 1, j).max(at(i, j + 1))
            };
            if let Some(cell) = table.get_mut(i * width + j) {
                *cell = longest;
            }
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn what_differs_is_marked_and_what_is_far_from_it_left_out() {
        let expected = "1\n2\n3\n4\n5\nold\n6\n7\n8\n9";
        let actual = "1\n2\n3\n4\n5\nnew\nmore\n6\n7\n8\n9";
        let shown = [
            "  …", "  3", "  4", "  5", "- old", "+ new", "+ more", "  6", "  7", "  8",
        ];
        assert_eq!(lines(expected, actual), shown);
    }

    #[test]
    fn what_is_common_in_the_middle_is_not_marked() {
        let shown = ["- a", "+ x", "  b", "  c", "- d", "+ y"];
        assert_eq!(lines("a\nb\nc\nd", "x\nb\nc\ny"), shown);
        assert_eq!(lines("a\nb", "b\na"), ["- a", "  b", "+ a"]);
        assert_eq!(lines("", "a"), ["+ a"]);
        assert_eq!(lines("a", ""), ["- a"]);
        assert!(lines("a\nb", "a\nb").is_empty());
    }

    #[test]
    fn two_long_texts_with_nothing_in_common_are_cut() {
        let long = |letter: &str| format!("{letter}\n").repeat(100_000);
        let shown = lines(&long("a"), &long("b"));
        assert_eq!(shown.len(), 201);
        assert!(shown.iter().take(200).all(|line| line == "- a"));
    }
}
