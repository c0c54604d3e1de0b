//! Reports: what they say in Markdown, and that the page needs nothing else and runs nothing.

use taper_report::{
    Cell, LambdaCurve, LambdaPoint, LearningCurves, Report, Reproduce, Role, ScoreVsLambda, Section, Table,
};

use crate::page;

fn figure() -> taper_report::Figure {
    LearningCurves { epoch: vec![1.0, 2.0], data_loss: vec![0.7, 0.5], ..Default::default() }.figure()
}

fn report() -> Report {
    let table = Table::new(["λ", "accuracy", "difference", "verdict"])
        .caption("Mean ± standard deviation over 30 splits.")
        .row([Cell::lambda(0.0), Cell::mean_spread(0.9142, 0.02, 3), Cell::text(""), Cell::text("baseline")])
        .chosen([Cell::lambda(1e-3), Cell::mean_spread(0.9432, 0.0071, 3), Cell::difference(0.029, 0.012, 0.046, 3)])
        .row([Cell::lambda(10.0), Cell::number(f64::NAN, 3), Cell::text(""), Cell::text("diverged")]);
    Report::new("Two moons", "An L2 penalty of 1e-3 helps: +2.9 points.")
        .section(Section::new("Scores").paragraph("Thirty splits.").table(table).figure("Runs", figure(), "One run."))
        .section(Section::new("More").figure("runs", figure(), "Another *run*."))
        .reproduce(Reproduce {
            command: "taper study moons.toml".into(),
            experiment: "[data]\nsource = \"moons\"\n".into(),
        })
}

#[test]
fn markdown_reads_well() {
    insta::assert_snapshot!("markdown", report().markdown());
}

#[test]
fn the_page_holds_everything_and_needs_nothing() -> taper_report::Result<()> {
    let html = report().html()?;
    page::is_self_contained(&html);
    assert_eq!(html.matches("<svg").count(), 2);
    assert_eq!(html.matches("<table>").count(), 1);
    assert_eq!(html.matches("class=\"chosen\"").count(), 1);
    for text in
        ["Two moons</h1>", "0.943 ± 0.007", "+0.029 [+0.012, +0.046]", "not finite", "source = &quot;moons&quot;"]
    {
        assert!(html.contains(text), "{text} in {html}");
    }
    assert!(!html.contains(" id="), "two figures must not share ids");
    Ok(())
}

#[test]
fn no_text_becomes_markup() -> taper_report::Result<()> {
    let evil = "<img src=x onerror=alert(1)> </style></title><script>alert(2)</script> {{ 7 * 7 }} \"'&";
    let table = Table::new([evil, evil]).caption(evil).row([Cell::text(evil)]);
    let section = Section::new(evil).paragraph(evil).table(table).figure(evil, figure().with_alt(evil), evil);
    let report =
        Report::new(evil, evil).section(section).reproduce(Reproduce { command: evil.into(), experiment: evil.into() });
    let html = report.html()?;
    page::is_self_contained(&html);
    assert!(!html.contains("<img") && !html.contains("<script") && html.contains("{{ 7 * 7 }}"), "{html}");
    assert_eq!((html.matches("</style>").count(), html.matches("</title>").count()), (1, 1));

    let outside_code: String = report.markdown().split("```").step_by(2).collect();
    assert!(!outside_code.contains(" <img") && outside_code.contains("\\<img"), "{outside_code}");
    assert_eq!(report.figures()[0].0, "img-src-x-onerror-alert-1-style-title-script-alert-2-script-7-7");
    Ok(())
}

#[test]
fn an_empty_report_is_a_page() -> taper_report::Result<()> {
    assert!(Report::default().html()?.contains("</html>"));
    assert_eq!(Report::default().markdown(), "# \n\n****\n");
    Ok(())
}

#[test]
fn a_live_page_runs_its_own_script_and_no_other() -> taper_report::Result<()> {
    let evil = "<img src=x onerror=alert(1)></script><script>alert(2)</script>\"'";
    let curve = |role, label: &str| LambdaCurve {
        role,
        label: label.into(),
        points: vec![LambdaPoint::new(0.0, 0.5, 0.1).of_runs(50), LambdaPoint::new(1e-3, 0.4, 0.1).of_runs(12)],
    };
    let curves = vec![curve(Role::Train, "train"), curve(Role::Test, evil)];
    let score = ScoreVsLambda { metric: evil.into(), curves, ..Default::default() };
    let report = Report::new(evil, evil).section(Section::new(evil).figure(evil, score.figure(), evil)).live();
    let html = report.html()?;
    let script = include_str!("../../templates/report.js");
    assert_eq!((html.matches("<script>").count(), html.matches("</script>").count()), (1, 1));
    assert!(
        html.contains(&format!("<script>{script}</script>")) && html.contains("script-src &#x27;sha256-")
            || html.contains("script-src 'sha256-")
    );
    page::is_self_contained(&html.replace(&format!("<script>{script}</script>"), ""));
    assert_eq!(html.matches("data-tip=\"train, ").count(), 2);
    assert!(html.contains("1e-3: 0.400 [0.300, 0.500], n = 12\""), "{html}");
    assert!(score.figure().svg().contains(">50</text>") && !score.figure().svg().contains("data-"));
    Ok(())
}
