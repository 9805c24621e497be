//! Reads server-sent events from bytes as they come, as the HTML standard has them.

use anyhow::ensure;

/// The longest event, in bytes.
const LONGEST: usize = 4 << 20;

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Message {
    /// What to go on behind, if this event says.
    pub(super) id: Option<String>,
    /// What it tells.
    pub(super) data: String,
}

/// What has arrived of a stream, and was not complete yet.
#[derive(Debug, Default)]
pub(super) struct Parser {
    line: Vec<u8>,
    /// The last line ended with a carriage return: a line feed after it belongs to it.
    returned: bool,
    message: Message,
    has_data: bool,
}

impl Parser {
    /// The events that these bytes complete.
    ///
    /// # Errors
    /// When an event does not end.
    pub(super) fn push(&mut self, bytes: &[u8]) -> anyhow::Result<Vec<Message>> {
        let mut messages = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' if self.returned => self.returned = false,
                b'\n' | b'\r' => {
                    self.returned = *byte == b'\r';
                    messages.extend(self.end_line());
                }
                _ => {
                    self.returned = false;
                    self.line.push(*byte);
                }
            }
            let size = self.line.len().saturating_add(self.message.data.len());
            ensure!(size <= LONGEST, "an event is longer than {LONGEST} bytes");
        }
        Ok(messages)
    }

    /// An empty line ends an event, if there is one; any other is a part of it.
    fn end_line(&mut self) -> Option<Message> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let message = std::mem::take(&mut self.message);
            return std::mem::take(&mut self.has_data).then_some(message);
        }
        let line = String::from_utf8_lossy(&line);
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                if self.has_data {
                    self.message.data.push('\n');
                }
                self.message.data.push_str(value);
                self.has_data = true;
            }
            "id" => self.message.id = Some(value.to_owned()),
            // A comment, the event's name, which its data has as well, or nothing known.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn message(id: Option<&str>, data: &str) -> Message {
        Message {
            id: id.map(str::to_owned),
            data: data.to_owned(),
        }
    }

    #[test]
    fn it_does_not_matter_where_the_bytes_are_cut() {
        let stream = "event: started\ndata: {\"a\":\"ü\"}\nid: 1\n\n:\n\n: keep-alive\r\n\r\n\
                      data:x\rdata:  y\r\rid: 7\n\ndata\n\nretry: 5\nevent: z\n\n";
        let expected = [
            message(Some("1"), "{\"a\":\"ü\"}"),
            message(None, "x\n y"),
            message(None, ""),
        ];
        for size in 1..stream.len() {
            let mut parser = Parser::default();
            let mut messages = Vec::new();
            for chunk in stream.as_bytes().chunks(size) {
                messages.extend(parser.push(chunk).unwrap());
            }
            assert_eq!(messages, expected, "in chunks of {size}");
        }
    }

    #[test]
    fn an_event_has_an_end() {
        let mut parser = Parser::default();
        let line = [b"data: ", "x".repeat(1 << 20).as_bytes(), b"\n"].concat();
        let ended = (0..10).try_for_each(|_| parser.push(&line).map(drop));
        assert!(ended.is_err());
    }
}
