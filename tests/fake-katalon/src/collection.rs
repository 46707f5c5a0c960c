//! A suite collection's run: its own folder with the `.rp`, and its members.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::junit::{Counts, suite};
use crate::live::Phase;
use crate::log::play;
use crate::moments;
use crate::run::SuiteRunWriter;
use crate::seed;
use crate::text::{attribute, xml};

/// Describes a collection's run and writes it.
#[derive(Clone, Debug)]
pub struct CollectionWriter {
    id: String,
    members: Vec<SuiteRunWriter>,
}

impl CollectionWriter {
    /// A run of a collection (`Test Suites/…`); all members get its session folder and its
    /// `execution.uuid`.
    pub fn new(id: &str, session: Timestamp, members: Vec<SuiteRunWriter>) -> Self {
        let uuid = seed::guid(&format!("{id}@{session}"));
        let members = members
            .into_iter()
            .enumerate()
            .map(|(at, member)| {
                // Members that share a folder name are kept apart by seconds.
                let stamp = session.as_millisecond() + at as i64 * 1000;
                let stamp = Timestamp::from_millisecond(stamp).unwrap_or(session);
                member.stamps(session, stamp).uuid(&uuid).member_of(id)
            })
            .collect();

        Self {
            id: id.to_owned(),
            members,
        }
    }

    /// The members, as they will be written.
    pub fn members(&self) -> &[SuiteRunWriter] {
        &self.members
    }

    /// The collection's own folder below a project.
    pub fn folder_in(&self, project: &Path) -> PathBuf {
        let stamp = self.stamp();
        let path = format!(
            "Reports/{stamp}/{}/{stamp}",
            self.id.trim_start_matches("Test Suites/")
        );
        path.split('/')
            .fold(project.to_owned(), |path, part| path.join(part))
    }

    /// Writes what exists before the first member starts: the `.rp` and every member's launcher
    /// files.
    pub fn write_start(&self, project: &Path) -> io::Result<()> {
        let folder = self.folder_in(project);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("{}.rp", self.stamp())), self.rp())?;

        self.members.iter().try_for_each(|member| {
            member
                .live(&member.folder_in(project))
                .perform_through(Phase::Queued)
        })
    }

    /// Writes the collection's files that come after the last member.
    pub fn write_end(&self, project: &Path) -> io::Result<()> {
        let folder = self.folder_in(project);
        fs::write(folder.join("tsc_id.txt"), &self.id)?;
        fs::write(folder.join("JUnit_Report.xml"), self.junit(project))
    }

    /// Writes the whole run and returns the members' folders.
    pub fn write_in(&self, project: &Path) -> io::Result<Vec<PathBuf>> {
        self.write_start(project)?;
        let folders = self
            .members
            .iter()
            .map(|member| member.write_in(project))
            .collect::<io::Result<_>>()?;
        self.write_end(project)?;

        Ok(folders)
    }

    /// Writes a cancelled run of 11.x: members ended, but nobody has reports.
    pub fn write_cancelled_in(&self, project: &Path) -> io::Result<Vec<PathBuf>> {
        self.write_start(project)?;
        let cancelled = |member: &SuiteRunWriter| {
            member
                .clone()
                .ending(crate::Ending::WithoutReports)
                .write_in(project)
        };
        self.members.iter().map(cancelled).collect()
    }

    fn stamp(&self) -> String {
        self.members.first().map_or_else(
            || moments::stamp(0, &jiff::tz::TimeZone::UTC),
            |member| moments::stamp(member.session.unwrap_or(member.start), &member.zone),
        )
    }

    fn rp(&self) -> String {
        let stamp = self.stamp();
        let items: String = self.members.iter().map(item).collect();
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ReportCollectionEntity>\n   <description></description>\n   <name>{stamp}</name>\n   <tag></tag>\n   <displayName>{stamp}</displayName>\n   <reportItemDescriptions>\n{items}   </reportItemDescriptions>\n   <testSuiteCollectionId>{}</testSuiteCollectionId>\n</ReportCollectionEntity>\n",
            xml(&self.id)
        )
    }

    fn junit(&self, project: &Path) -> String {
        let mut suites = String::new();
        let (mut tests, mut failures, mut errors, mut time) = (0, 0, 0, 0);

        for member in &self.members {
            let folder = member.folder_in(project);
            let script = play(member, &member.recorded_folders(&folder).0);
            let counts = Counts::of(&script);
            tests += counts.total;
            failures += counts.failed;
            errors += counts.error;
            time += script.end - member.start;
            suites.push_str(&suite(member, &script, &folder));
        }

        let name = attribute(self.id.rsplit('/').next().unwrap_or(&self.id));

        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"{name}\" time=\"{}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">\n{suites}</testsuites>\n",
            moments::seconds(time)
        )
    }
}

fn item(member: &SuiteRunWriter) -> String {
    format!(
        "      <ReportItemDescription>\n         <reportLocation>{}</reportLocation>\n         <runConfigDescription>\n            <groupName>Web Desktop</groupName>\n            <profileName>{}</profileName>\n            <requireConfigurationData>false</requireConfigurationData>\n            <runConfigurationId>{}</runConfigurationId>\n         </runConfigDescription>\n         <testCaseAmount>0</testCaseAmount>\n      </ReportItemDescription>\n",
        xml(&member.relative_folder()),
        xml(&member.profile),
        xml(&member.configuration)
    )
}
