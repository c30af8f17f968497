//! Texts that would like to be something else.

/// One text each; none is blank.
pub(super) const TEXTS: &[&str] = &[
    "*bold* **bold** _it_ __u__ ~s~ ~~s~~ ||spoiler||",
    "***all*** *_*_* **",
    "`code` ``code`` ```fence``` `",
    "```\nfence\n```",
    "````",
    "a ``` b `` c ` d",
    "<!channel> <!here> <!everyone>",
    "<!subteam^S123|team> <@U123> <@W123|name> <#C123|chan>",
    "<https://evil.dev|https://good.dev> <mailto:a@evil.dev|mail> <tel:123|call>",
    "<!date^0^{date}|x>",
    "<\u{0}!channel> <\u{7}@U1>",
    "<",
    "trailing <",
    "&lt;!channel&gt; &amp;lt; &#60;!here&#62; &",
    "@everyone @here @channel @all @user",
    "@\u{0}everyone",
    "<@123456789012345678> <@!123456789012345678> <@&123456789012345678> <#123456789012345678>",
    "<:emoji:123456789012345678> <a:emoji:123456789012345678> <t:1618953630:R> </cmd:123> <id:home>",
    ":tada: :+1: :a_b-c: 12:30:45 ::",
    "[click](https://evil.dev) ![img](https://evil.dev/x.png) [a][b] [^1]",
    "](https://evil.dev)",
    "https://evil.dev/path?q=1 http://x.y www.evil.dev evil.dev",
    "# heading",
    "-# small",
    "> quote",
    ">>> quote to the end",
    "- item",
    "* item",
    "+ item",
    "1. item",
    "1) item",
    "12345. item",
    "   - indented",
    "===",
    "---",
    "***",
    "| a | b |",
    "\\ \\\\ \\* \\` trailing \\",
    "ends with \\",
    "line one\nline two\r\nline three\rline four",
    "a\u{2028}b\u{2029}c\u{85}d\u{b}e\u{c}f",
    "nul\u{0}bell\u{7}esc\u{1b}[31mred\u{9b}31m",
    "rtl \u{202e}evil\u{202c} iso \u{2066}x\u{2069}",
    "zero\u{200b}width\u{2060}join\u{feff}er",
    "emoji 👩‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿 é e\u{301}",
    "*\u{301} `\u{301} <\u{301}!channel>",
    "{{ value }} {% raw %} {# c #} ${x} %s %n",
    "\"quoted\" 'single' \u{201c}typographic\u{201d}",
    "</pre><script>alert(1)</script><!-- c -->",
    "$x^2$ $$y$$",
    "snake_case_name and __init__.py and a*b*c",
    "~~~\nfence\n~~~",
    "    four spaces",
    "\ttab",
    "\u{fdd0}\u{fde0}\u{fdd2} \u{fffe} \u{ffff}",
    "Vec<std::string::String> a < b > c && d || e",
];

/// Returns what is to be seen of a text in a line: no control characters, line breaks as spaces.
pub(super) fn seen(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|character| {
            if matches!(
                character,
                '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
            ) {
                ' '
            } else {
                character
            }
        })
        .filter(|character| !character.is_control())
        .collect();
    squeezed(&line)
}

/// Returns a text without what is not seen: runs of spaces as one, no joiners.
pub(super) fn squeezed(text: &str) -> String {
    let visible: String =
        text.chars().filter(|character| !matches!(character, '\u{200b}' | '\u{2060}' | '\u{feff}')).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}
