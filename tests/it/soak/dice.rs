//! Chance that depends on a seed alone, and what it may do to requests.

use fake_ado::{Fault, FaultAction, Nth, Refusal};

/// Random numbers that depend on the seed alone.
pub(super) struct Dice(u64);

/// Requests that faults are aimed at: the first fits any, the others are those that write.
const AIMS: [(&str, &str); 7] = [
    ("*", ""),
    ("*", ""),
    ("GET", ""),
    ("POST", "test/runs$"),
    ("PATCH", "/results"),
    ("POST", "attachments"),
    ("PATCH", "test/runs/"),
];

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`.
    pub(super) const fn below(&mut self, end: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);

        (mixed ^ (mixed >> 31)) % end
    }

    pub(super) fn index(&mut self, end: usize) -> usize {
        usize::try_from(self.below(end as u64)).unwrap_or(0)
    }

    /// Happens once in so many times.
    pub(super) const fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// So many faults among the next requests of about so many runs.
    pub(super) fn faults(&mut self, count: usize, runs: usize) -> Vec<Fault> {
        (0..count)
            .map(|_| {
                let fault = self.fault();
                self.aimed(fault, runs)
            })
            .collect()
    }

    /// Refused credentials somewhere among the next requests: everything of that server then waits
    /// for a minute, unless a person asks.
    pub(super) fn refusal(&mut self, runs: usize) -> Fault {
        let refused = match self.index(Refusal::ALL.len() + 1) {
            // A page of somebody else in place of an answer, as from a captive portal, is waited
            // for.
            0 => FaultAction::Garbage200,
            which => FaultAction::Refused(Refusal::ALL[which - 1]),
        };
        self.aimed(refused, runs)
    }

    fn aimed(&mut self, fault: FaultAction, runs: usize) -> Fault {
        let (method, path) = AIMS[self.index(AIMS.len())];
        let reach = if path.is_empty() { runs * 8 } else { runs };
        Fault::new(method, path, Nth::Only(1 + self.index(reach)), fault)
    }

    /// Something that passes.
    fn fault(&mut self) -> FaultAction {
        if self.once_in(60) {
            // Each takes one of the server's few connections until the program ends.
            return [FaultAction::Hang, FaultAction::HangAfter][self.index(2)].clone();
        }

        if self.once_in(30) {
            // Each stops everything for a second, because the server asks for that; of many of them
            // a round would have little else.
            return [
                FaultAction::throttled(Some(1)),
                headers(&[("Retry-After", "1")]),
            ][self.index(2)]
            .clone();
        }

        match self.below(16) {
            0 => FaultAction::organization_stopped(),
            1 | 2 => FaultAction::throttled(None),
            3 => FaultAction::DropBefore,
            4 | 5 => FaultAction::DropAfter,
            6 | 7 => FaultAction::CutAnswer,
            8 => FaultAction::Delay(self.below(300)),
            9 => FaultAction::DelayAfter(self.below(300)),
            10 => before(503, "<html>down for maintenance</html>"),
            11 => after(504, "text/html", "<html>gateway time-out</html>"),
            12 => after(
                500,
                "application/json",
                "{\"message\":\"TF400898: An internal error occurred.\"}",
            ),
            // Done, and what is said of it is no JSON that anybody could read.
            13 => after(200, "application/json", "{\"count\":"),
            14 => before(
                500,
                "{\"message\":\"TF400898: An internal error occurred.\"}",
            ),
            15 => before(409, "{\"message\":\"TF26071: changed by someone else\"}"),
            // A budget that is nearly used up.
            _ => headers(&[
                ("X-RateLimit-Limit", "200"),
                ("X-RateLimit-Remaining", "19"),
                ("X-RateLimit-Reset", "0"),
            ]),
        }
    }
}

fn content_type(kind: &str) -> Vec<(String, String)> {
    vec![("content-type".to_owned(), kind.to_owned())]
}

fn after(code: u16, kind: &str, body: &str) -> FaultAction {
    FaultAction::StatusAfter {
        code,
        headers: content_type(kind),
        body: body.as_bytes().to_vec(),
    }
}

fn before(code: u16, body: &str) -> FaultAction {
    FaultAction::Status {
        code,
        headers: content_type("application/json"),
        body: body.as_bytes().to_vec(),
    }
}

fn headers(named: &[(&str, &str)]) -> FaultAction {
    FaultAction::AddHeaders(
        named
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    )
}
