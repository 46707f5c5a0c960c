//! Things that go wrong on purpose.
//!
//! A [`Fault`] picks requests by method, path and number and says what happens to them. Every
//! planned fault counts the requests it fits; of several that want the same request the one
//! planned first wins.

/// A plan for requests that are to go wrong.
#[derive(Debug, Clone)]
pub struct Fault {
    /// The method, such as `POST`; empty or `*` fits any.
    pub method: String,
    /// A part of the path (after the base) and query, without case, still percent-encoded. A `$`
    /// at its end means that the path ends there: `test/runs$` is the creation, not its results.
    pub path_contains: String,
    /// Which of the fitting requests.
    pub nth: Nth,
    /// What happens.
    pub action: FaultAction,
}

impl Fault {
    /// Short form of the literal.
    pub fn new(method: &str, path_contains: &str, nth: Nth, action: FaultAction) -> Fault {
        Fault {
            method: method.into(),
            path_contains: path_contains.into(),
            nth,
            action,
        }
    }

    fn fits(&self, method: &str, path: &str, query: &str) -> bool {
        let any = self.method.is_empty() || self.method == "*";
        if !any && !self.method.eq_ignore_ascii_case(method) {
            return false;
        }

        let wanted = self.path_contains.to_lowercase();

        match wanted.strip_suffix('$') {
            Some(end) => path.to_lowercase().ends_with(end),
            None => format!("{path}?{query}").to_lowercase().contains(&wanted),
        }
    }
}

/// Which of the requests that fit a fault; counted from 1 from the moment it was planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nth {
    /// All of them.
    Every,
    /// Only this one.
    Only(usize),
    /// The first so many.
    First(usize),
    /// This one and all later ones.
    From(usize),
}

impl Nth {
    fn includes(self, number: usize) -> bool {
        match self {
            Nth::Every => true,
            Nth::Only(only) => number == only,
            Nth::First(count) => number <= count,
            Nth::From(first) => number >= first,
        }
    }
}

/// What happens to a request.
#[derive(Debug, Clone)]
pub enum FaultAction {
    /// Not processed; this is answered.
    Status {
        /// The status code.
        code: u16,
        /// Headers, `content-type` among them if wanted.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// Processed, but this is answered: a 500 or 504 for work that was done.
    StatusAfter {
        /// The status code.
        code: u16,
        /// Headers.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// Processed and answered as usual, with headers added: `Retry-After` with a 200.
    AddHeaders(Vec<(String, String)>),
    /// Processed after so many milliseconds.
    Delay(u64),
    /// Processed at once, answered after so many milliseconds.
    DelayAfter(u64),
    /// Read, never processed, never answered; the connection stays open.
    Hang,
    /// Processed, never answered; the connection stays open.
    HangAfter,
    /// The connection is closed without reading the body or processing.
    DropBefore,
    /// The connection is closed in the middle of the body; of one that comes in a single piece,
    /// behind it. Not processed.
    DropInBody,
    /// Processed, then the connection is closed without an answer.
    DropAfter,
    /// Processed, then the connection is closed in the middle of the answer's body.
    CutAnswer,
    /// Not processed; 200 with HTML that is not from Azure DevOps.
    Garbage200,
    /// Not processed; one of the faces of refused credentials.
    Refused(Refusal),
}

impl FaultAction {
    /// 503 without a word, as of a server that is being restarted.
    pub fn unavailable() -> FaultAction {
        FaultAction::Status {
            code: 503,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// A plain status with the usual JSON error body.
    pub fn error(code: u16, type_key: &str, message: &str) -> FaultAction {
        let answer = crate::answer::error(code, type_key, message);
        FaultAction::Status {
            code,
            headers: answer.headers,
            body: answer.body.to_vec(),
        }
    }

    /// 429 TF400733, with `Retry-After` if seconds are given.
    pub fn throttled(retry_after: Option<u64>) -> FaultAction {
        let message = "TF400733: The request has been canceled: Request was blocked due to exceeding usage of \
             resource Concurrency in namespace 00000000-0000-0000-0000-000000000001.";
        let answer = crate::answer::error(429, "RequestBlockedException", message);
        let mut headers = answer.headers;
        headers.push(("X-RateLimit-Resource".into(), "Concurrency".into()));
        headers.push(("X-RateLimit-Remaining".into(), "0".into()));
        headers.extend(retry_after.map(|seconds| ("Retry-After".into(), seconds.to_string())));

        FaultAction::Status {
            code: 429,
            headers,
            body: answer.body.to_vec(),
        }
    }

    /// A web page of something before the server: a proxy, a web filter, a load balancer, a portal.
    pub fn page(code: u16, title: &str) -> FaultAction {
        let page = format!("<html><head><title>{title}</title></head><body>No.</body></html>");
        FaultAction::Status {
            code,
            headers: vec![("content-type".into(), "text/html; charset=utf-8".into())],
            body: page.into_bytes(),
        }
    }

    /// The redirect of a portal that wants people to accept its terms, with a page.
    pub fn portal(location: &str, title: &str) -> FaultAction {
        let mut page = Self::page(307, title);
        if let FaultAction::Status { headers, .. } = &mut page {
            headers.push(("location".into(), location.into()));
        }
        page
    }

    /// The same answer, but for a request that was processed.
    #[must_use]
    pub fn behind(self) -> FaultAction {
        match self {
            FaultAction::Status {
                code,
                headers,
                body,
            } => FaultAction::StatusAfter {
                code,
                headers,
                body,
            },
            other => other,
        }
    }

    /// 503 of a stopped organization: JSON after a UTF-8 byte order mark, as recorded.
    pub fn organization_stopped() -> FaultAction {
        let message = "TF24668: The following team project collection is stopped: acme. Start the collection and then try again.";
        let kind = "Microsoft.VisualStudio.Services.Common.VssServiceException, Microsoft.VisualStudio.Services.Common";
        let answer = crate::answer::error(503, kind, message);
        let mut body = b"\xef\xbb\xbf".to_vec();
        body.extend_from_slice(&answer.body);
        let headers = vec![
            ("content-type".into(), "application/json".into()),
            (
                "X-TFS-ServiceError".into(),
                message.replace(' ', "%20").replace(':', "%3A"),
            ),
        ];

        FaultAction::Status {
            code: 503,
            headers,
            body,
        }
    }
}

/// The faces of refused credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// 203 with the HTML sign-in page.
    SignInPage203,
    /// 302 to the sign-in page.
    Redirect302,
    /// 401 with an empty body and `WWW-Authenticate`.
    Empty401,
    /// 401 with JSON TF400813.
    Json401,
    /// 401 with `X-TFS-ServiceError` telling that the token has expired.
    Expired401,
    /// 200 with the HTML sign-in page, as after a followed redirect.
    SignInPage200,
    /// 403 JSON: known, but not allowed.
    Forbidden403,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Refusal; 7] = [
        Refusal::SignInPage203,
        Refusal::Redirect302,
        Refusal::Empty401,
        Refusal::Json401,
        Refusal::Expired401,
        Refusal::SignInPage200,
        Refusal::Forbidden403,
    ];
}

/// The planned faults with their counters.
#[derive(Debug, Default)]
pub(crate) struct FaultPlan(Vec<(Fault, usize)>);

impl FaultPlan {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0.push((fault, 0));
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Counts a request and gives what is to happen to it.
    pub(crate) fn pick(&mut self, method: &str, path: &str, query: &str) -> Option<FaultAction> {
        let mut picked = None;
        for (fault, seen) in &mut self.0 {
            if !fault.fits(method, path, query) {
                continue;
            }
            *seen += 1;
            if picked.is_none() && fault.nth.includes(*seen) {
                picked = Some(fault.action.clone());
            }
        }

        picked
    }
}
