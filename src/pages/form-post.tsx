// The page that carries an authorization response to the client by POST (OAuth 2.0 Form Post Response Mode §2).
import { type PageFrame, renderPage, textsFor } from './layout.tsx'

export interface FormPostPage {
  frame: PageFrame
  /** The redirect_uri, byte for byte. */
  action: string
  parameters: Record<string, string>
}

/** The script contains no value, so nothing in `state` can leave its attribute (SECURITY-CASES A14). */
const submit = 'document.forms[0].submit()'

export function renderFormPost(page: FormPostPage): string {
  const texts = textsFor(page.frame)
  return renderPage(page.frame, {
    kind: 'form-post',
    title: texts.form_post_title,
    children: (
      <>
        <header class="heading">
          <h1>{texts.form_post_title}</h1>
          <p class="muted">{texts.form_post_intro}</p>
        </header>
        <form method="post" action={page.action}>
          {Object.entries(page.parameters).map(([name, value]) => (
            <input key={name} type="hidden" name={name} value={value} />
          ))}
          <button type="submit" class="primary">
            {texts.form_post_submit}
          </button>
        </form>
        <script nonce={page.frame.nonce}>{submit}</script>
      </>
    ),
  })
}
