// The stylesheet of every page. It contains no double quote, ampersand or less-than sign, because it is inserted into the document without escaping.

export const stylesheet = `
:root {
  color-scheme: light dark;
  --ink: #15211f; --muted: #55635f; --page: #f1f5f3; --card: #fff; --line: #dbe3e0; --control: #75837f;
  --accent: #0b5f59; --accent-strong: #084842; --on-accent: #fff; --tint: #e3f1ee;
  --danger: #a4231b; --danger-tint: #fdeeec;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e8efed; --muted: #a3b1ad; --page: #0c1211; --card: #151d1b; --line: #2a3633; --control: #76857f;
    --accent: #63d2c5; --accent-strong: #8be3d9; --on-accent: #04231f; --tint: #17302d;
    --danger: #ffb0a6; --danger-tint: #3a1b18;
  }
}
@media (prefers-color-scheme: dark) {
  img.provider-icon { padding: 0.125rem; background: #fff; }
}
*, ::before, ::after { box-sizing: border-box; }
html { font: 100%/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; -webkit-text-size-adjust: 100%; }
body { margin: 0; min-height: 100vh; min-height: 100dvh; color: var(--ink); background: var(--card); overflow-wrap: anywhere; }
h1, h2, p, ul, dl, dd { margin: 0; padding: 0; }
ul { list-style: none; }
h1 { font-size: 1.625rem; line-height: 1.25; font-weight: 650; letter-spacing: -0.015em; }
h2 { font-size: 1rem; font-weight: 600; }
a { color: var(--accent); text-underline-offset: 0.2em; }
a:hover { color: var(--accent-strong); }
code { font: 0.9375em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.card { display: grid; gap: 1.5rem; width: 100%; max-width: 28rem; margin: 0 auto; padding: 1.75rem 1.5rem 2.5rem; }
.card > *, form > * { min-width: 0; }
.muted { color: var(--muted); }
.brand { display: flex; align-items: center; gap: 0.625rem; font-weight: 600; }
.mark { flex: none; }
.mark rect { fill: var(--accent); }
.mark path { fill: none; stroke: var(--on-accent); stroke-width: 2.6; stroke-linecap: round; stroke-linejoin: round; }
.heading { display: grid; gap: 0.375rem; }
.with-logo { grid-template-columns: auto 1fr; gap: 1rem; align-items: center; }
.logo { width: 3rem; height: 3rem; border-radius: 0.75rem; object-fit: contain; border: 1px solid var(--line); }
.initial { display: grid; flex: none; place-items: center; width: 3rem; height: 3rem; font-size: 1.25rem; font-weight: 600; color: var(--accent); background: var(--tint); }
.person .initial { border-radius: 50%; }
form { display: grid; gap: 1.25rem; }
.field { display: grid; gap: 0.375rem; }
label { font-weight: 500; }
input[type=text], input[type=password] { width: 100%; min-height: 3rem; padding: 0.5rem 0.875rem; font: inherit; color: inherit; background: var(--card); border: 1px solid var(--control); border-radius: 0.625rem; }
input[aria-invalid=true] { border-color: var(--danger); }
.choice { display: flex; align-items: center; gap: 0.625rem; min-height: 1.5rem; }
.choice label { font-weight: 400; }
input[type=checkbox] { flex: none; width: 1.25rem; height: 1.25rem; margin: 0; accent-color: var(--accent); }
button, .button { display: flex; align-items: center; justify-content: center; width: 100%; min-height: 3rem; padding: 0.5rem 1.25rem; font: inherit; font-weight: 600; text-align: center; text-decoration: none; color: var(--ink); background: var(--card); border: 1px solid var(--control); border-radius: 0.625rem; cursor: pointer; }
button:hover, .button:hover { color: var(--ink); background: var(--page); }
.primary, .primary:hover { color: var(--on-accent); background: var(--accent); border-color: transparent; }
.primary:hover { background: var(--accent-strong); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
input:focus-visible { border-color: var(--accent); outline-width: 2px; outline-offset: 0; }
input[type=checkbox]:focus-visible { outline-offset: 2px; }
.choices { display: grid; gap: 0.75rem; }
.or { display: flex; align-items: center; gap: 1rem; color: var(--muted); font-size: 0.875rem; }
.or::before, .or::after { content: ''; flex: 1; border-top: 1px solid var(--line); }
.providers { display: grid; gap: 0.75rem; }
.provider { gap: 0.75rem; }
.providers .provider { justify-content: start; padding: 0.5rem 0.875rem; text-align: start; }
.provider-icon, .provider-icon.initial { flex: none; width: 1.5rem; height: 1.5rem; object-fit: contain; border-radius: 0.375rem; font-size: 0.875rem; line-height: 1; }
.provider-text { min-width: 0; }
.problem { padding: 0.875rem 1rem; color: var(--danger); background: var(--danger-tint); border: 1px solid; border-radius: 0.625rem; }
.eyebrow { font-size: 0.875rem; font-weight: 600; color: var(--danger); }
.group { display: grid; gap: 0.875rem; }
.grants { display: grid; gap: 1rem; }
.grants li { padding-left: 1.75rem; position: relative; }
.grants li::before { content: ''; position: absolute; left: 0.25rem; top: 0.3rem; width: 0.45rem; height: 0.75rem; border: solid var(--accent); border-width: 0 2.5px 2.5px 0; transform: rotate(40deg); }
.grant-title { font-weight: 600; }
.claims { font-size: 0.875rem; }
.badge { margin-left: 0.5rem; padding: 0.0625rem 0.5rem; font-size: 0.75rem; font-weight: 600; color: var(--accent); background: var(--tint); border-radius: 1rem; white-space: nowrap; }
.decision { display: grid; gap: 0.75rem; }
.person { display: flex; align-items: center; gap: 0.875rem; padding: 0.875rem; border: 1px solid var(--line); border-radius: 0.75rem; }
.person-names { display: grid; min-width: 0; }
.person-name { font-weight: 600; }
.facts { display: grid; gap: 0.875rem; padding: 1rem; background: var(--page); border-radius: 0.75rem; }
.facts dt { font-size: 0.875rem; color: var(--muted); }
.client-links bdi { flex-basis: 100%; }
.client-links { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; color: var(--muted); padding-top: 1.25rem; font-size: 0.875rem; border-top: 1px solid var(--line); }
.links { display: grid; gap: 0.5rem; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.page-form-post .card { animation: appear 0.2s 0.8s both; }
@keyframes appear { from { opacity: 0; } }
@media (min-width: 32rem) {
  body { display: grid; place-items: center; padding: 2.5rem 1.5rem; background: var(--page); }
  .card { padding: 2.25rem 2.5rem 2.5rem; background: var(--card); border: 1px solid var(--line); border-radius: 1.25rem; box-shadow: 0 1px 2px rgb(0 0 0 / 4%), 0 16px 40px -16px rgb(0 0 0 / 12%); }
  .page-consent .decision { grid-template-columns: 1fr 1fr; }
}
@media (forced-colors: active) {
  .primary, .initial, .logo { border: 1px solid; }
}
`
