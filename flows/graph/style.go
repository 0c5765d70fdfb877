package graph

// style is the look of the picture: the colours of the console, light and, where
// the reader's system or page asks for it, dark. Everything is below .dg, so
// that a picture inside a page changes nothing else of it.
const style = `.dg{--bg:#F5F7F9;--surface:#FFFFFF;--raised:#ECF0F3;--ink:#1A2330;--ink2:#4B5767;--edge:#7A8696;--line:#D6DCE3;--accent:#0A6B69;--bot:#5A4AB3;--on-bot:#FFFFFF;--ok:#1E7439;--warn:#855600;--danger:#B3261E;--note:#FFF4D6}
@media (prefers-color-scheme:dark){.dg{` + dark + `}}
:root[data-theme="dark"] .dg{` + dark + `}
:root[data-theme="light"] .dg{--bg:#F5F7F9;--surface:#FFFFFF;--raised:#ECF0F3;--ink:#1A2330;--ink2:#4B5767;--edge:#7A8696;--line:#D6DCE3;--accent:#0A6B69;--bot:#5A4AB3;--on-bot:#FFFFFF;--ok:#1E7439;--warn:#855600;--danger:#B3261E;--note:#FFF4D6}
.dg .page{fill:var(--bg)}
.dg text{font:400 12px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Helvetica Neue",Arial,sans-serif;fill:var(--ink2)}
.dg .name,.dg .chip,.dg .foot,.dg .mark text,.dg .title{font-family:ui-monospace,"SF Mono","Cascadia Mono",Menlo,Consolas,"Noto Sans Mono","DejaVu Sans Mono",monospace}
.dg .name{font-size:13px;font-weight:600;fill:var(--ink)}
.dg .chip,.dg .foot,.dg .mark text{font-size:11px}
.dg .title{font-size:16px;font-weight:600;fill:var(--ink)}
.dg .about{font-size:13px}
.dg .box{fill:var(--surface);stroke:var(--edge);stroke-width:1.2}
.dg .asks .box{stroke:var(--bot);stroke-width:1.8}
.dg .first{stroke:var(--accent);stroke-width:3;stroke-linecap:round}
.dg .icon{fill:var(--bot)}
.dg .icont{font-size:11px;font-weight:700;fill:var(--on-bot)}
.dg .strip{fill:var(--raised)}
.dg .sep{stroke:var(--line);stroke-width:1}
.dg .foot,.dg .mark text{fill:var(--ink)}
.dg .mark .box{fill:var(--raised);stroke:none}
.dg .flow .box,.dg .call .box{fill:var(--bg);stroke:var(--edge);stroke-dasharray:5 3}
.dg .call .box{stroke-dasharray:none}
.dg .jump .box{fill:var(--surface);stroke:var(--line);stroke-width:1.2}
.dg .glyph{fill:none;stroke:var(--ink2);stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}
.dg .edge{fill:none;stroke:var(--edge);stroke-width:1.3}
.dg .head{fill:var(--edge)}
.dg .out .edge{stroke-dasharray:5 4}
.dg .lab{fill:var(--ink2)}
.dg .frame{fill:none;stroke:var(--line);stroke-width:1.5}
.dg .frametop{fill:var(--raised)}
.dg .bad .box{stroke:var(--danger)}
.dg .no .box{stroke:var(--danger);stroke-dasharray:3 3}
.dg .no .edge{stroke:var(--danger);stroke-dasharray:2 4;stroke-linecap:round}
.dg .no .head{fill:var(--danger)}
.dg text.no{fill:var(--danger)}
.dg .yes .box{stroke:var(--ok)}
.dg .yes .edge{stroke:var(--ok)}
.dg .yes .head{fill:var(--ok)}
.dg .count{font-weight:600;fill:var(--ink)}`

const dark = `--bg:#11161C;--surface:#181F27;--raised:#222B35;--ink:#E7ECF2;--ink2:#AAB5C2;--edge:#7F8C9C;--line:#33404E;--accent:#5BC7BD;--bot:#B5A8F7;--on-bot:#11161C;--ok:#6ECD8A;--warn:#EDB548;--danger:#FF8F85;--note:#3A3113`
