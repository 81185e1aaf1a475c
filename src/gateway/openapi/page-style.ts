/** Style of the API page, light and dark as the reader's system has it. */
export const PAGE_STYLE = `
:root{--text:#1c2430;--soft:#5d6b7d;--line:#dfe5ec;--back:#fff;--panel:#f6f8fa;--link:#0b62c4;--get:#0b7a3e;--post:#0b62c4;--put:#9a5b00;--patch:#9a5b00;--delete:#b3261e;color-scheme:light dark}
@media(prefers-color-scheme:dark){:root{--text:#dde4ec;--soft:#93a1b3;--line:#2b3542;--back:#12171e;--panel:#1a212a;--link:#6cb0ff;--get:#4cc38a;--post:#6cb0ff;--put:#f2b35e;--patch:#f2b35e;--delete:#ff8a80}}
*{box-sizing:border-box}html{scroll-behavior:smooth}
body{margin:0;font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:var(--text);background:var(--back);display:grid;grid-template-columns:15rem minmax(0,1fr)}
nav{position:sticky;top:0;height:100vh;overflow:auto;padding:1.5rem 1rem 1.5rem 1.5rem;border-right:1px solid var(--line);background:var(--panel)}
nav ul{list-style:none;margin:1rem 0 0;padding:0}nav li{margin:.3rem 0}nav small,small{color:var(--soft)}
main{padding:1.5rem 2rem 4rem;max-width:62rem}
a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}
h1{margin:.2rem 0 1rem;font-size:1.9rem}h2{margin:2.6rem 0 .3rem;padding-top:.4rem;font-size:1.35rem}h4{margin:1.1rem 0 .3rem;font-size:.82rem;text-transform:uppercase;letter-spacing:.05em;color:var(--soft)}
code,pre{font:.88em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{overflow:auto;padding:.8rem 1rem;background:var(--back);border:1px solid var(--line);border-radius:6px;margin:.3rem 0}
.op{border:1px solid var(--line);border-radius:8px;margin:.5rem 0;background:var(--panel)}
.op>summary{cursor:pointer;padding:.55rem .9rem;display:flex;flex-wrap:wrap;gap:.2rem .7rem;align-items:baseline}
.op>summary::marker{content:""}.op>summary::-webkit-details-marker{display:none}
.op>summary:focus-visible{outline:2px solid var(--link);border-radius:8px}
.op>div{padding:.1rem 1rem 1rem;border-top:1px solid var(--line)}
.op>summary code{font-weight:600}.op em{font-style:normal;color:var(--link)}
.method{font:700 .78rem/1 ui-monospace,Menlo,monospace;min-width:3.6rem}
.get{color:var(--get)}.post{color:var(--post)}.put{color:var(--put)}.patch{color:var(--patch)}.delete{color:var(--delete)}
.what{color:var(--soft);flex-basis:100%;padding-left:4.3rem;font-size:.94rem}
.key{font-size:.72rem;border:1px solid var(--line);border-radius:99px;padding:.05rem .5rem;color:var(--soft)}.key.admin{color:var(--delete);border-color:currentColor}
ul ul{border-left:2px solid var(--line);margin:.2rem 0 .4rem .2rem}
.op ul{list-style:none;padding-left:.9rem;margin:.2rem 0}.op li{margin:.22rem 0}
.name{font-weight:600}.type{color:var(--soft);font-size:.9em}.op i{color:var(--soft);font-size:.85em}
@media(max-width:50rem){body{display:block}nav{position:static;height:auto;border-right:0;border-bottom:1px solid var(--line)}nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1rem}main{padding:1rem}.what{padding-left:0}}
`.trim();
