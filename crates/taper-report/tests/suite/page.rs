//! Reads an SVG or HTML page closely enough to say whether it is in order.

/// Panics unless `svg` is well-formed, inert, self-contained, and draws finite coordinates on its page only.
pub(crate) fn check(svg: &str) {
    is_self_contained(svg);
    let (head, _) = svg.split_once('>').expect("an element");
    let height: f64 = attribute(head, "height").expect("a height").parse().expect("a number");
    let mut open = Vec::new();
    for tag in tags(svg) {
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or("");
        assert!(["svg", "rect", "path", "circle", "text"].contains(&name), "<{tag}> in {svg}");
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed));
        } else if !tag.ends_with('/') {
            open.push(name);
        }
        if name != "svg" {
            assert!(!tag.contains("NaN") && !tag.contains("inf"), "{tag}");
            on_page(tag, height);
        }
    }
    assert!(open.is_empty(), "{open:?} not closed");
}

/// Panics if `page` loads anything, links to anything, or runs anything.
pub(crate) fn is_self_contained(page: &str) {
    let page = page.replace("http://www.w3.org/2000/svg", "");
    for tag in tags(&page) {
        // Quoted text may say what it likes.
        let names: String = tag.split('"').step_by(2).collect();
        for forbidden in ["src=", "href=", "<script", "onerror", "onload", "<link", "<iframe", "<object"] {
            assert!(!format!("<{names}").contains(forbidden), "<{tag}>");
        }
    }
    assert!(
        !page.contains("http://") && !page.contains("https://") && !page.contains("url(") && !page.contains("@import")
    );
}

/// The texts of an SVG, as they stand in the file.
pub(crate) fn texts(svg: &str) -> Vec<String> {
    svg.lines()
        .filter(|line| line.contains("<text"))
        .filter_map(|line| {
            let (_, rest) = line.split_once('>')?;
            rest.split_once("</text>").map(|(text, _)| text.to_owned())
        })
        .collect()
}

fn tags(page: &str) -> impl Iterator<Item = &str> {
    page.split('<').skip(1).map(|rest| rest.split_once('>').map_or(rest, |(tag, _)| tag))
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    tag.split_once(&format!(" {name}=\"")).and_then(|(_, rest)| rest.split_once('"')).map(|(value, _)| value)
}

/// Every coordinate of the element lies on the page, with two units to spare for the thickness of lines.
fn on_page(tag: &str, height: f64) {
    let (wide, high) = (-2.0..=802.0, -2.0..=height + 2.0);
    let number = |name: &str| attribute(tag, name).and_then(|value| value.parse::<f64>().ok());
    for (x, y) in [("x", "y"), ("cx", "cy")] {
        assert!(number(x).is_none_or(|x| wide.contains(&x)), "{tag}");
        assert!(number(y).is_none_or(|y| high.contains(&y)), "{tag}");
    }
    let numbers = attribute(tag, "d").unwrap_or("");
    let numbers: Vec<f64> = numbers.split([' ', 'M', 'L', 'Z']).filter_map(|part| part.parse().ok()).collect();
    for pair in numbers.chunks(2) {
        assert!(wide.contains(&pair[0]) && high.contains(&pair[1]), "{pair:?} in {tag}");
    }
}
