//! Names of HTML's elements and attributes, sorted, in the groups that are treated differently.

/// Elements of HTML, present and past. What is not among them is no tag but text, like `Vec<String>`.
// Source: https://html.spec.whatwg.org/multipage/indices.html#elements-3, read 2026-11-23.
#[rustfmt::skip]
pub(super) const ELEMENTS: &[&str] = &[
    "a", "abbr", "acronym", "address", "applet", "area", "article", "aside", "audio", "b", "base",
    "basefont", "bdi", "bdo", "big", "blink", "blockquote", "body", "br", "button", "canvas",
    "caption", "center", "cite", "code", "col", "colgroup", "data", "datalist", "dd", "del",
    "details", "dfn", "dialog", "dir", "div", "dl", "dt", "em", "embed", "fieldset", "figcaption",
    "figure", "font", "footer", "form", "frame", "frameset", "h1", "h2", "h3", "h4", "h5", "h6",
    "head", "header", "hgroup", "hr", "html", "i", "iframe", "image", "img", "input", "ins", "kbd",
    "label", "legend", "li", "link", "main", "map", "mark", "marquee", "math", "menu", "menuitem",
    "meta", "meter", "nav", "nobr", "noembed", "noframes", "noscript", "object", "ol", "optgroup",
    "option", "output", "p", "param", "picture", "plaintext", "pre", "progress", "q", "rp", "rt",
    "ruby", "s", "samp", "script", "search", "section", "select", "slot", "small", "source", "span",
    "strike", "strong", "style", "sub", "summary", "sup", "svg", "table", "tbody", "td", "template",
    "textarea", "tfoot", "th", "thead", "time", "title", "tr", "track", "tt", "u", "ul", "var",
    "video", "wbr", "xmp",
];

/// Elements that separate words.
#[rustfmt::skip]
pub(super) const BLOCKS: &[&str] = &[
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "dialog", "dir",
    "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4",
    "h5", "h6", "header", "hr", "html", "legend", "li", "main", "menu", "nav", "ol", "optgroup",
    "option", "p", "pre", "section", "select", "summary", "table", "tbody", "td", "tfoot", "th",
    "thead", "title", "tr", "ul",
];

/// Elements whose names are also names of types: directly behind a letter and without attributes they are text.
#[rustfmt::skip]
pub(super) const TYPE_NAMES: &[&str] = &[
    "data", "form", "image", "input", "label", "link", "map", "object", "option", "output",
    "section", "select", "source", "style", "summary", "table", "template", "time", "title",
    "track", "var",
];

/// Attributes that are written without a value. Any other is taken for words: `if a <b and c> d`.
#[rustfmt::skip]
pub(super) const FLAGS: &[&str] = &[
    "async", "autofocus", "autoplay", "checked", "controls", "default", "defer", "disabled",
    "hidden", "ismap", "loop", "multiple", "muted", "novalidate", "open", "readonly", "required",
    "reversed", "selected",
];
