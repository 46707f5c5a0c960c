//! Lists that come in pages, by token or by offset. Both kinds end at a page that brings nothing
//! new: a server that repeats itself has no more to say. A page by offset that is shorter than it
//! was asked for says nothing, because servers have limits of their own.

use std::collections::HashSet;
use std::hash::Hash;
use std::ops::ControlFlow;

use serde::de::DeserializeOwned;

use crate::ado::error::AdoError;
use crate::ado::transport::{AdoClient, Page};
use crate::ado::version::Call;
use crate::ado::wire::List;

/// Most pages that are followed; beyond it the server must be going in circles.
const MOST_PAGES: usize = 10_000;
/// Items of a list, all pages together; the largest of ADO's own limits is a tenth of it.
const MOST_ITEMS: usize = 1_000_000;
/// Bytes of a list, all pages together: many of its texts stay in memory, and an item may have any
/// number of them. A result with its texts has 2 KiB, so this is more than the results of any run.
const MOST_BYTES: usize = 256 << 20;
/// Pages in a row that bring nothing and still name a next one.
const MOST_EMPTY: usize = 10;

impl AdoClient {
    /// All items of a list that hands out continuation tokens.
    pub(super) async fn all<T: DeserializeOwned + Send>(
        &self,
        path: &[&str],
        call: Call,
        query: &[(&str, String)],
    ) -> Result<Vec<T>, AdoError> {
        let mut items = Vec::new();
        self.each_by_token(path, call, query, |item| items.push(item))
            .await?;
        Ok(items)
    }

    /// Takes in each item of a list that hands out continuation tokens, page by page: runs with all
    /// their details need not be in memory at once.
    pub(super) async fn each_by_token<T: DeserializeOwned>(
        &self,
        path: &[&str],
        call: Call,
        query: &[(&str, String)],
        mut take: impl FnMut(T) + Send,
    ) -> Result<(), AdoError> {
        let mut token: Option<String> = None;
        let mut empty_pages = 0;
        let mut items = 0;
        let mut bytes = 0;
        for _ in 0..MOST_PAGES {
            let mut query = query.to_vec();
            if let Some(token) = &token {
                query.push(("continuationToken", token.clone()));
            }

            let page: Page<List<T>> = self.get(path, call, &query).await?;
            empty_pages = if page.content.value.is_empty() {
                empty_pages + 1
            } else {
                0
            };
            items += page.content.value.len();
            bytes += page.bytes;
            if empty_pages > MOST_EMPTY || items > MOST_ITEMS || bytes > MOST_BYTES {
                break;
            }
            for item in page.content.value {
                take(item);
            }

            let is_last = match &page.next {
                Some(next) => next.is_empty() || page.next == token,
                None => true,
            };
            if is_last {
                return Ok(());
            }
            token = page.next;
        }
        Err(endless())
    }

    /// Takes in each item of a list that is asked for by `$top` and `$skip`, each `id` once, until
    /// an empty page comes or `take` has enough.
    pub(super) async fn each_by_offset<T: DeserializeOwned, K: Eq + Hash + Send>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        page_size: usize,
        id: impl Fn(&T) -> K + Send + Sync,
        mut take: impl FnMut(T) -> ControlFlow<()> + Send,
    ) -> Result<(), AdoError> {
        // What is added while pages are read moves the rest on, so an item may come twice.
        let mut ids = HashSet::new();
        let mut skip = 0;
        let mut bytes = 0;
        for _ in 0..MOST_PAGES {
            let mut query = query.to_vec();
            query.push(("$top", page_size.to_string()));
            query.push(("$skip", skip.to_string()));

            let page: Page<List<T>> = self.get(path, Call::Released, &query).await?;
            let list = page.content;
            bytes += page.bytes;
            if ids.len() > MOST_ITEMS || bytes > MOST_BYTES {
                break;
            }
            let count_before = ids.len();
            skip += list.value.len();
            for item in list.value {
                if ids.insert(id(&item)) && take(item).is_break() {
                    return Ok(());
                }
            }

            if ids.len() == count_before {
                return Ok(());
            }
        }
        Err(endless())
    }
}

fn endless() -> AdoError {
    AdoError::unavailable("Azure DevOps hands out pages without end")
}
