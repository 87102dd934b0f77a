//! `[site]`: the single-page app.

use std::ops::Range;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use super::report::Report;
use super::written::Written;

/// The single-page app, served to every request that no route takes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSite {
    /// The folder with the built app. It holds an `index.html`, which also answers paths that are no
    /// file. Everything in it is public.
    #[schemars(example = &"dist")]
    pub(super) dir: Written<String>,
}

/// A file or folder that nobody may download.
pub(super) struct Private {
    pub(super) path: PathBuf,
    pub(super) what: &'static str,
    /// Where the file names it; `None` is the configuration itself or a default.
    pub(super) at: Option<Range<usize>>,
}

impl RawSite {
    pub(super) fn check(
        &self,
        folder: &Path,
        private: &[Private],
        report: &mut Report,
    ) -> Option<PathBuf> {
        let (at, written) = (self.dir.at(), &self.dir.value);
        let dir = folder.join(written);
        if !dir.is_dir() {
            let (what, why) = if dir.exists() {
                ("`dir` is not a folder", "the site is a folder of files")
            } else {
                (
                    "`dir` does not exist",
                    "relative paths start at the folder of this file; has the app been built?",
                )
            };
            report.wrong(at, what).why(why).write(
                "dir = \"…\", the folder that the app's build writes; without a site leave [site] out",
            );
            return None;
        }
        if !dir.join("index.html").is_file() {
            report
                .wrong(at, "`dir` has no index.html")
                .why("index.html is the app: it answers every path that is no file and no route")
                .write("dir = \"…\", the folder that the app's build writes (often dist or build)");
            return None;
        }
        let mut fits = true;
        for private in private.iter().filter(|private| is_within(&private.path, &dir)) {
            fits = false;
            report
                .wrong(
                    private.at.clone().or_else(|| at.clone()),
                    format!("{} would be public", private.what),
                )
                .why(format!(
                    "it is in the site's folder `{written}`, whose files anybody may download"
                ))
                .write("a place outside of the site's folder");
        }
        fits.then_some(dir)
    }
}

/// Whether `path`, which may not exist yet, is in `folder` once links are followed.
fn is_within(path: &Path, folder: &Path) -> bool {
    let Ok(folder) = folder.canonicalize() else { return false };
    let mut real = path.ancestors().filter_map(|ancestor| {
        let rest = path.strip_prefix(ancestor).ok()?;
        let ancestor = if ancestor.as_os_str().is_empty() { Path::new(".") } else { ancestor };
        Some(ancestor.canonicalize().ok()?.join(rest))
    });
    real.next().is_some_and(|real| real.starts_with(folder))
}
