//! The live page in a real browser, if one is installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use taper_report::{
    Calibration, CalibrationCurve, CalibrationPoint, LambdaCurve, LambdaPoint, LearningCurves, Report, Role,
    ScoreVsLambda, Section,
};

/// What a reader does: points at a number, hides a series, points again. What the page then shows is left in the title.
const READER: &str = r#"
const said = [];
const figure = document.querySelector("figure.picture");
const svg = figure.querySelector("svg");
const tip = figure.querySelector(".tip");
const buttons = [...figure.querySelectorAll(".series button")];
said.push("buttons " + buttons.map((button) => button.textContent).join("|"));
const point = (text) => {
  const spot = [...svg.querySelectorAll("g[data-tip]")].find((group) => group.dataset.tip.startsWith(text));
  const box = spot.firstElementChild.getBoundingClientRect();
  const at = { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2, bubbles: true };
  svg.dispatchEvent(new PointerEvent("pointermove", at));
  return tip.hidden ? "nothing" : tip.textContent;
};
said.push("tip " + point("test, 0.1"));
buttons[1].click();
said.push("hidden " + [...svg.querySelectorAll("g[data-series]")].filter((group) => group.getAttribute("display") === "none").length);
said.push("then " + point("test, 0.1"));
buttons[1].click();
said.push("again " + point("test, 0.1"));
svg.dispatchEvent(new PointerEvent("pointerleave"));
said.push("left " + tip.hidden);
said.push("wide " + (document.documentElement.scrollWidth > window.innerWidth));
document.title = said.join("; ");
"#;

fn report() -> Report {
    let curve = |role, label: &str, mean: f64| LambdaCurve {
        role,
        label: label.into(),
        points: [(0.0, mean), (0.001, mean - 0.1), (0.1, mean + 0.2)]
            .iter()
            .map(|&(lambda, mean)| LambdaPoint::new(lambda, mean, 0.05).of_runs(50))
            .collect(),
    };
    let score = ScoreVsLambda {
        metric: "data loss".into(),
        curves: vec![curve(Role::Train, "train", 0.2), curve(Role::Test, "test", 0.6)],
        ..Default::default()
    };
    let calibration = CalibrationCurve {
        label: "<img src=x onerror=\"document.title='broken'\">".into(),
        points: vec![CalibrationPoint { predicted: 0.2, observed: 0.3, count: 9 }],
    };
    let learning = LearningCurves { epoch: vec![1.0, 2.0], data_loss: vec![0.7, 0.5], ..Default::default() };
    let section = Section::new("Figures")
        .figure("score", score.figure(), "Score.")
        .figure("calibration", Calibration { curves: vec![calibration] }.figure(), "Calibration.")
        .figure("curves", learning.figure(), "Curves.");
    Report::new("A live page", "It answers.").section(section).live()
}

fn browser() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name))).find(|file| file.is_file())
}

/// The page's document after its scripts have run.
fn document(browser: &Path, page: &str, width: u32) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    std::fs::write(&file, page).unwrap();
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"])
        .args(["--disable-component-update", "--disable-sync", "--virtual-time-budget=2000", "--dump-dom"])
        .arg(format!("--window-size={width},900"))
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .arg(format!("file://{}", file.display()))
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[allow(clippy::print_stderr)] // who runs the tests has to know what was not tested
fn a_reader_can_point_and_hide() {
    let Some(browser) = browser() else {
        eprintln!("SKIPPED: no chromium or chrome on the PATH, so the live page was not tried in a browser");
        return;
    };
    let page = report().html().unwrap();
    // As it is, with a stranger's script in it: the page's own runs, the stranger's does not.
    let stranger = page.replace("</body>", "<script>document.title = 'stranger'</script></body>");
    let shown = document(&browser, &stranger, 1280);
    assert!(shown.contains("<title>A live page</title>"), "{shown}");
    assert!(
        shown.contains("<div class=\"series\"") && shown.contains("aria-pressed=\"true\">test</button>"),
        "{shown}"
    );

    let (before, rest) = page.split_once("<meta http-equiv").unwrap();
    let after = rest.split_once('>').unwrap().1;
    let driven = format!("{before}{after}").replace("</body>", &format!("<script>{READER}</script></body>"));
    for width in [1280, 390] {
        let shown = document(&browser, &driven, width);
        let title = shown.split_once("<title>").unwrap().1.split_once("</title>").unwrap().0;
        let tip = "test, 0.1: 0.800 [0.750, 0.850], n = 50";
        let expected =
            format!("buttons train|test; tip {tip}; hidden 1; then nothing; again {tip}; left true; wide false");
        assert_eq!(title, expected, "{width} pixels wide");
    }
}
