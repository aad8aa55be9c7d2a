/** The stylesheet of the reference page: its own file, since inline styles are refused. */
export const referenceStyle = `
:root { color-scheme: light dark; --text: #1c1e21; --soft: #54595f; --line: #d9dce0; --back: #fff; --code: #f2f3f5; --link: #0b57b7; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6e8ea; --soft: #a8aeb5; --line: #3a3f45; --back: #16181b; --code: #24272b; --link: #8ab8ff; }
}
* { box-sizing: border-box; }
body { margin: 0; color: var(--text); background: var(--back); font: 16px/1.5 system-ui, sans-serif; }
header { padding: 1.5rem 2rem; border-bottom: 1px solid var(--line); }
h1 { margin: 0 0 .5rem; font-size: 1.6rem; }
header p { margin: 0; max-width: 60rem; color: var(--soft); }
nav { padding: 1rem 2rem; border-bottom: 1px solid var(--line); font-size: .9rem; }
nav h2 { margin: 1rem 0 .25rem; font-size: .8rem; text-transform: uppercase; letter-spacing: .05em; color: var(--soft); }
nav ul { margin: 0; padding: 0; list-style: none; display: flex; flex-wrap: wrap; gap: .125rem 1rem; }
main { padding: 0 2rem 4rem; min-width: 0; }
main h2 { margin: 2.5rem 0 0; text-transform: capitalize; }
article { padding: 1rem 0 1.5rem; border-bottom: 1px solid var(--line); }
h3 { margin: 0; font-size: 1.1rem; }
h3 a { color: inherit; text-decoration: none; }
h4 { margin: 1rem 0 .25rem; font-size: .9rem; color: var(--soft); }
a { color: var(--link); }
a:focus-visible, summary:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
p { margin: .25rem 0; }
code { padding: .1em .3em; border-radius: 4px; background: var(--code); font: .875em ui-monospace, monospace; overflow-wrap: anywhere; }
.method { display: inline-block; min-width: 4.5em; padding: .1em .5em; border-radius: 4px; color: #fff; background: #4a5058;
  font-size: .8rem; font-weight: 600; text-align: center; }
.get { background: #0b57b7; } .post { background: #1a6f37; } .put, .patch { background: #8a4b00; } .delete { background: #b3261e; }
.scope, .type, .bounds { color: var(--soft); }
.type, .bounds, .scope { font-size: .9rem; }
.members, .answers { margin: 0; padding-left: 1.25rem; }
.members em { font-size: .85rem; }
details > .members { margin: .25rem 0 .5rem; }
@media (min-width: 70rem) {
  body { display: grid; grid-template-columns: 17rem minmax(0, 1fr); }
  header { grid-column: 1 / -1; }
  nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; border-bottom: 0; border-right: 1px solid var(--line); padding: 1rem; }
  nav ul { display: block; }
}
`
