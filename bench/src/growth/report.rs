//! The report as it is saved.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::curves::{self, FolloweesRow, LagRow, PopulationRow};
use super::followees::FolloweesPoint;
use super::lag::LagReport;
use super::memory::MemoryReport;
use super::options::{Options, Part};
use super::population::PopulationPoint;
use crate::report::{save_csv, save_json};
use crate::setting::Setting;

/// Everything a reader needs to judge the numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// When the run ended.
    pub at: DateTime<Utc>,
    /// Where it ran and with what.
    pub setting: Setting,
    /// The curves that were measured; each has files of its own.
    pub curves: Vec<Part>,
    /// Memory of Redis against users.
    pub memory: Option<MemoryReport>,
    /// Latency of a miss against followees.
    pub followees: Vec<FolloweesPoint>,
    /// Latency of a miss against posts and likes.
    pub population: Vec<PopulationPoint>,
    /// Lag of the projector against likes a second.
    pub lag: Option<LagReport>,
}

impl Report {
    pub(super) fn new(options: &Options, setting: Setting) -> Self {
        let curves = Part::ALL.into_iter().filter(|part| options.wants(*part));
        Self {
            at: Utc::now(),
            setting,
            curves: curves.collect(),
            memory: None,
            followees: Vec::new(),
            population: Vec::new(),
            lag: None,
        }
    }

    /// What was wrong, whatever the numbers.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        failures.extend(self.memory.iter().flat_map(MemoryReport::failures));
        for point in &self.followees {
            let of = format!("followees, {}", point.bucket);
            failures.extend(point.misses.failures(&of));
        }
        for point in &self.population {
            let of = format!("population, {}", point.size);
            failures.extend(point.misses.failures(&of));
        }
        failures.extend(self.lag.iter().flat_map(LagReport::failures));
        failures
    }

    /// Writes `report.json` and the curves as CSV.
    pub(super) fn save(&self, directory: &Path) -> anyhow::Result<()> {
        save_json(directory, "report.json", self)?;
        if let Some(memory) = &self.memory {
            save_csv(directory, curves::MEMORY, &memory.points)?;
            save_csv(directory, curves::KINDS, &memory.kinds)?;
        }
        if self.curves.contains(&Part::Followees) {
            let rows: Vec<_> = self.followees.iter().map(FolloweesRow::of).collect();
            save_csv(directory, curves::FOLLOWEES, &rows)?;
        }
        if self.curves.contains(&Part::Population) {
            let rows: Vec<_> = self.population.iter().map(PopulationRow::of).collect();
            save_csv(directory, curves::POPULATION, &rows)?;
        }
        if let Some(lag) = &self.lag {
            let rows: Vec<_> = lag.steps.iter().map(LagRow::of).collect();
            save_csv(directory, curves::LAG, &rows)?;
        }
        Ok(())
    }
}
