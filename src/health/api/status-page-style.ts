/** Colours have at least 4.5 : 1 against their background, in both schemes. */
export const STATUS_PAGE_STYLE = `
:root { color-scheme: light dark; --ground: #f6f7f9; --card: #ffffff; --text: #1b2430; --quiet: #566070; --line: #dfe3e8;
  --good: #157f3c; --good-soft: #e2f4e8; --fair: #945700; --fair-soft: #fdf0d9; --poor: #b3261e; --poor-soft: #fce8e6;
  --info: #1f5fb3; --info-soft: #e4eefb; --none: #d5dae1; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #10151c; --card: #19202a; --text: #e8ecf2; --quiet: #a3adbb; --line: #2c3644;
    --good: #57d38a; --good-soft: #143524; --fair: #f3b95a; --fair-soft: #3a2b10; --poor: #ff8f86; --poor-soft: #42201e;
    --info: #8ebcff; --info-soft: #182c49; --none: #333e4d; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 52rem; margin: 0 auto; padding: 2.5rem 1.25rem 3rem; }
.name { margin: 0 0 .75rem; font-weight: 600; color: var(--quiet); letter-spacing: .01em; }
h1 { margin: 0; font-size: 1.5rem; line-height: 1.25; padding: 1.1rem 1.25rem; border-radius: .75rem; display: flex; align-items: center; gap: .75rem; }
.banner.operational { background: var(--good-soft); color: var(--good); }
.banner.degraded { background: var(--fair-soft); color: var(--fair); }
.banner.major_outage { background: var(--poor-soft); color: var(--poor); }
.dot { width: .8rem; height: .8rem; border-radius: 50%; background: currentColor; flex: none; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .75rem; margin: 1rem 0 0; }
.figures div { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: .8rem 1rem; }
dt { color: var(--quiet); font-size: .85rem; }
dd { margin: .15rem 0 0; font-size: 1.35rem; font-weight: 600; font-variant-numeric: tabular-nums; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1rem 1.25rem 1.1rem; margin-top: 1rem; }
h2 { margin: 0 0 .75rem; font-size: 1.05rem; }
.bars { display: block; width: 100%; height: 3rem; }
.bars .good { fill: var(--good); } .bars .fair { fill: var(--fair); } .bars .poor { fill: var(--poor); } .bars .none { fill: var(--none); }
.scale { display: flex; justify-content: space-between; margin: .4rem 0 0; color: var(--quiet); font-size: .85rem; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; }
th, td { text-align: left; padding: .55rem 1rem .55rem 0; border-top: 1px solid var(--line); vertical-align: baseline; }
thead th { border-top: 0; color: var(--quiet); font-size: .85rem; font-weight: 500; padding-top: 0; }
tbody th { font-weight: 600; overflow-wrap: anywhere; min-width: 8rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th:last-child, td:last-child { padding-right: 0; }
.tag { display: inline-block; padding: .05rem .55rem; border-radius: 1rem; font-size: .85rem; font-weight: 500; white-space: nowrap; }
.tag.online { background: var(--good-soft); color: var(--good); }
.tag.degraded, .tag.low, .tag.medium { background: var(--fair-soft); color: var(--fair); }
.tag.offline, .tag.high, .tag.critical { background: var(--poor-soft); color: var(--poor); }
.tag.maintenance { background: var(--info-soft); color: var(--info); }
.list { list-style: none; margin: 0; padding: 0; }
.list li { border-top: 1px solid var(--line); padding: .65rem 0; overflow-wrap: anywhere; }
.list li:first-child { border-top: 0; padding-top: 0; } .list li:last-child { padding-bottom: 0; }
.list p, .empty { margin: .15rem 0 0; color: var(--quiet); font-size: .92rem; }
footer { color: var(--quiet); font-size: .85rem; margin-top: 1.25rem; }
a { color: var(--info); } a:focus-visible { outline: 2px solid var(--info); outline-offset: 2px; border-radius: 2px; }
@media (max-width: 30rem) { main { padding: 1.5rem .9rem 2rem; } section { padding: .9rem 1rem; } h1 { font-size: 1.25rem; }
  th:nth-child(5), td:nth-child(5) { display: none; } th, td { padding-right: .7rem; } }
`;
