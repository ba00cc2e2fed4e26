"""Which names and media types mean which form. Data, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Form:
    """How a file is read: `family` names the reader, `language` the code block of source code.

    A `textual` form is characters in some encoding; a `quick` one needs no child process.
    """

    family: str
    media_type: str
    language: str = ""
    textual: bool = True
    quick: bool = False


MARKDOWN = Form("markdown", "text/markdown", quick=True)
PLAIN = Form("plain", "text/plain", quick=True)
HTML = Form("html", "text/html")
RST = Form("rst", "text/x-rst")
CSV = Form("csv", "text/csv")
TSV = Form("tsv", "text/tab-separated-values")
JSON = Form("json", "application/json")
JSONL = Form("jsonl", "application/jsonl")
MAIL = Form("mail", "message/rfc822")
PDF = Form("pdf", "application/pdf", textual=False)
ZIP = Form("zip", "application/zip", textual=False)
OLE = Form("ole", "application/x-ole-storage", textual=False)
IMAGE = Form("", "", textual=False)

FORMS_BY_SUFFIX: dict[str, Form] = {
    **dict.fromkeys(("md", "markdown", "mkd", "mdown", "mdx"), MARKDOWN),
    **dict.fromkeys(("txt", "text", "log", "asc"), PLAIN),
    **dict.fromkeys(("html", "htm", "xhtml"), HTML),
    **dict.fromkeys(("rst", "rest"), RST),
    "csv": CSV,
    **dict.fromkeys(("tsv", "tab"), TSV),
    **dict.fromkeys(("json", "geojson", "webmanifest", "ipynb"), JSON),
    **dict.fromkeys(("jsonl", "ndjson"), JSONL),
    "eml": MAIL,
    "pdf": PDF,
    **dict.fromkeys(("docx", "docm", "pptx", "pptm", "xlsx", "xlsm", "xlsb", "ods", "epub"), ZIP),
    **dict.fromkeys(("xls", "doc", "ppt"), OLE),
    "svg": IMAGE,
}

_OFFICE = "application/vnd.openxmlformats-officedocument"

FORMS_BY_MEDIA_TYPE: dict[str, Form] = {
    "text/markdown": MARKDOWN,
    "text/x-markdown": MARKDOWN,
    "text/html": HTML,
    "application/xhtml+xml": HTML,
    "text/x-rst": RST,
    "text/prs.fallenstein.rst": RST,
    "text/csv": CSV,
    "application/csv": CSV,
    "text/tab-separated-values": TSV,
    "application/json": JSON,
    "application/x-ipynb+json": JSON,
    **dict.fromkeys(("application/jsonl", "application/x-ndjson", "application/jsonlines"), JSONL),
    "message/rfc822": MAIL,
    "application/pdf": PDF,
    "application/epub+zip": ZIP,
    f"{_OFFICE}.wordprocessingml.document": ZIP,
    f"{_OFFICE}.presentationml.presentation": ZIP,
    f"{_OFFICE}.spreadsheetml.sheet": ZIP,
    "application/vnd.ms-excel": OLE,
    "application/msword": OLE,
    "image/svg+xml": IMAGE,
}

_LANGUAGES = {
    "python": "py pyi pyw",
    "javascript": "js mjs cjs",
    "jsx": "jsx",
    "typescript": "ts mts cts",
    "tsx": "tsx",
    "java": "java",
    "kotlin": "kt kts",
    "scala": "scala sc",
    "go": "go",
    "rust": "rs",
    "c": "c h",
    "cpp": "cc cpp cxx hh hpp hxx",
    "csharp": "cs",
    "swift": "swift",
    "objectivec": "m mm",
    "ruby": "rb rake gemspec",
    "php": "php",
    "perl": "pl pm",
    "lua": "lua",
    "r": "r",
    "julia": "jl",
    "haskell": "hs",
    "elixir": "ex exs",
    "erlang": "erl hrl",
    "clojure": "clj cljs cljc edn",
    "dart": "dart",
    "zig": "zig",
    "sql": "sql",
    "bash": "sh bash zsh ksh",
    "fish": "fish",
    "powershell": "ps1 psm1",
    "batch": "bat cmd",
    "css": "css",
    "scss": "scss sass",
    "less": "less",
    "vue": "vue",
    "svelte": "svelte",
    "xml": "xml xsd xsl xslt rng plist wsdl",
    "yaml": "yaml yml",
    "toml": "toml",
    "ini": "ini cfg conf properties env",
    "json5": "json5 jsonc",
    "graphql": "graphql gql",
    "protobuf": "proto",
    "hcl": "tf tfvars hcl",
    "nix": "nix",
    "makefile": "mk",
    "cmake": "cmake",
    "dockerfile": "dockerfile",
    "groovy": "groovy gradle",
    "latex": "tex sty",
    "diff": "diff patch",
    "vim": "vim",
    "jinja": "j2 jinja jinja2",
}

_MEDIA_TYPES = {"xml": "application/xml", "yaml": "application/yaml", "toml": "application/toml"}


def _source(language: str) -> Form:
    media_type = _MEDIA_TYPES.get(language, f"text/x-{language}")
    return Form("source", media_type, language, quick=True)


for _language, _suffixes in _LANGUAGES.items():
    FORMS_BY_SUFFIX.update(dict.fromkeys(_suffixes.split(), _source(_language)))

FORMS_BY_NAME: dict[str, Form] = {
    **dict.fromkeys(("makefile", "gnumakefile"), _source("makefile")),
    **dict.fromkeys(("dockerfile", "containerfile"), _source("dockerfile")),
    "jenkinsfile": _source("groovy"),
    "cmakelists.txt": _source("cmake"),
    **dict.fromkeys(("gemfile", "rakefile"), _source("ruby")),
    **dict.fromkeys((".bashrc", ".profile", ".zshrc"), _source("bash")),
}

FORMS_BY_MEDIA_TYPE.update(
    {
        **dict.fromkeys(("text/x-python", "application/x-python"), _source("python")),
        **dict.fromkeys(("text/javascript", "application/javascript"), _source("javascript")),
        **dict.fromkeys(("application/xml", "text/xml"), _source("xml")),
        **dict.fromkeys(("application/yaml", "text/yaml", "application/x-yaml"), _source("yaml")),
        "application/toml": _source("toml"),
        "text/css": _source("css"),
        **dict.fromkeys(("application/sql", "text/x-sql"), _source("sql")),
        **dict.fromkeys(("application/x-sh", "text/x-shellscript"), _source("bash")),
    }
)
