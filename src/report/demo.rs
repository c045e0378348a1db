//! The demo as it is told.

use anstyle::Style;

use crate::ops::demo::DemoEvent;

/// Whose commands need no name before their prompt.
const SELF: &str = "you";

/// Tells a demo event by event, with blank lines where the eye wants them.
#[derive(Clone, Debug)]
pub struct DemoView {
    color: bool,
    last: Last,
}

/// What was told last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Nothing,
    /// A command that had nothing to say; the next one may follow at once.
    Silence,
    Text,
}

impl DemoView {
    /// A view that has told nothing yet.
    pub fn new(color: bool) -> Self {
        Self { color, last: Last::Nothing }
    }

    /// What to show of an event.
    pub fn render(&mut self, event: &DemoEvent<'_>) -> String {
        match event {
            DemoEvent::Progress(_) => String::new(),
            DemoEvent::Title(text) => {
                let title = self.paint(Style::new().bold(), &format!("== {text} =="));
                self.paragraph(&title)
            }
            DemoEvent::Say(text) => self.paragraph(text),
            DemoEvent::Command { player, words } => {
                let prompt = if *player == SELF { "$".to_owned() } else { format!("{player}$") };
                let prompt = self.paint(Style::new().dimmed(), &prompt);
                // The demo's own words hold no NUL, which is all that it refuses.
                let line =
                    shlex::try_join(words.iter().copied()).unwrap_or_else(|_| words.join(" "));
                let line = self.paint(Style::new().bold(), &line);
                let gap = if self.last == Last::Text { "\n" } else { "" };
                format!("{gap}{prompt} {line}\n")
            }
            DemoEvent::Played(played) => {
                let mut text = played.output.clone();
                if !text.is_empty() && !text.ends_with('\n') {
                    text.push('\n');
                }
                if played.code != 0 {
                    let code = format!("(exit code {})", played.code);
                    text += &format!("{}\n", self.paint(Style::new().dimmed(), &code));
                }
                self.last = if text.is_empty() { Last::Silence } else { Last::Text };
                text
            }
            DemoEvent::Kept(folder) => {
                self.paragraph(&format!("The scratch folder is kept in {}", folder.display()))
            }
        }
    }

    /// What is said at the end: what was left out, and why.
    pub fn render_end(&mut self, without_alembic: Option<&str>) -> String {
        let text = self.paragraph("All of this really ran.");
        let Some(reason) = without_alembic else { return text };
        text + "Left out was what needs alembic: applying revisions, and comparing files with a\n\
                database (`rebase --apply`, `status`). The reason: "
            + reason
            + "\n"
    }

    fn paragraph(&mut self, text: &str) -> String {
        let gap = if self.last == Last::Nothing { "" } else { "\n" };
        self.last = Last::Text;
        format!("{gap}{text}\n")
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::ops::demo::Played;

    fn told(color: bool, events: &[DemoEvent<'_>]) -> String {
        let mut view = DemoView::new(color);
        events.iter().map(|event| view.render(event)).collect()
    }

    #[test]
    fn a_command_stands_before_its_output_and_says_who_types() {
        let commit = ["git", "commit", "-m", "Add orders"];
        let push = ["git", "push"];
        let silence = Played { code: 0, output: String::new() };
        let refusal = Played { code: 1, output: "no\n".to_owned() };
        let events = [
            DemoEvent::Title("Before git push"),
            DemoEvent::Say("You commit and push:"),
            DemoEvent::Command { player: "you", words: &commit },
            DemoEvent::Played(&silence),
            DemoEvent::Command { player: "you", words: &push },
            DemoEvent::Played(&refusal),
            DemoEvent::Command { player: "colleague", words: &push },
            DemoEvent::Played(&silence),
            DemoEvent::Say("So far."),
        ];
        assert_snapshot!(told(false, &events), @"
        == Before git push ==

        You commit and push:

        $ git commit -m 'Add orders'
        $ git push
        no
        (exit code 1)

        colleague$ git push

        So far.
        ");
    }

    #[test]
    fn where_colour_is_on_command_lines_are_bold() {
        let event = DemoEvent::Command { player: "you", words: &["dbm-git", "check"] };
        assert_eq!(told(true, &[event]), "\u{1b}[2m$\u{1b}[0m \u{1b}[1mdbm-git check\u{1b}[0m\n");
    }

    #[test]
    fn what_was_left_out_is_told_with_its_reason() {
        let text = DemoView::new(false).render_end(Some("there is no python3"));
        assert_snapshot!(text, @"
        All of this really ran.
        Left out was what needs alembic: applying revisions, and comparing files with a
        database (`rebase --apply`, `status`). The reason: there is no python3
        ");
    }
}
