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

/// How large a list is, as far as it was read.
#[derive(Clone, Copy, Debug, Default)]
struct ListSize {
    items: usize,
    bytes: usize,
    /// Empty pages since the last one with an item.
    empty_pages: usize,
}

impl ListSize {
    /// Adds a page of so many items and bytes.
    ///
    /// # Errors
    /// When the list has no end that anybody would wait for.
    fn add(&mut self, items: usize, bytes: usize) -> Result<(), AdoError> {
        self.items += items;
        self.bytes += bytes;
        self.empty_pages = match items {
            0 => self.empty_pages + 1,
            _ => 0,
        };

        let is_endless =
            self.empty_pages > MOST_EMPTY || self.items > MOST_ITEMS || self.bytes > MOST_BYTES;
        if is_endless { Err(endless()) } else { Ok(()) }
    }
}

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
        let mut size = ListSize::default();
        for _ in 0..MOST_PAGES {
            let mut query = query.to_vec();
            if let Some(token) = &token {
                query.push(("continuationToken", token.clone()));
            }

            let page: Page<List<T>> = self.get(path, call, &query).await?;
            size.add(page.content.value.len(), page.bytes)?;
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
        let mut size = ListSize::default();
        for _ in 0..MOST_PAGES {
            let mut query = query.to_vec();
            query.push(("$top", page_size.to_string()));
            query.push(("$skip", skip.to_string()));

            let page: Page<List<T>> = self.get(path, Call::Released, &query).await?;
            let list = page.content;
            size.add(list.value.len(), page.bytes)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// How many pages of this size a list may have.
    fn pages(items: usize, bytes: usize) -> usize {
        let mut size = ListSize::default();
        let mut pages = 0;
        while size.add(items, bytes).is_ok() {
            pages += 1;
        }
        pages
    }

    #[test]
    fn all_pages_of_a_list_have_so_many_bytes_together() {
        let largest_page = 16 << 20;

        assert_eq!(pages(1, largest_page), 16);
        assert_eq!(pages(1, MOST_BYTES), 1);
        assert_eq!(pages(1, MOST_BYTES + 1), 0);
    }

    #[test]
    fn all_pages_of_a_list_have_so_many_items_together() {
        assert_eq!(pages(100_000, 0), 10);
    }

    #[test]
    fn pages_without_an_item_come_to_an_end() {
        assert_eq!(pages(0, 2), MOST_EMPTY);
    }

    #[test]
    fn empty_pages_count_only_in_a_row() {
        let mut size = ListSize::default();

        for page in 0..10 * MOST_EMPTY {
            let items = usize::from(page % MOST_EMPTY == 0);
            assert!(size.add(items, 2).is_ok(), "page {page}");
        }
    }
}
