// The label on the button of an external provider: its icon or initial, and a text.
import { initialOf } from './layout.tsx'
import { safeTarget } from './links.ts'

export interface ProviderFace {
  /** The source of the initial. */
  name: string
  /** The text of the button. */
  text: string
  /** Address of an image on this origin. Only ever an <img>, in which an SVG runs nothing (SECURITY-CASES D06). */
  icon?: string
}

export function ProviderLabel({ face }: { face: ProviderFace }) {
  const icon = safeTarget(face.icon)
  return (
    <>
      {icon ? (
        <img class="provider-icon" src={icon} alt="" width="24" height="24" />
      ) : (
        <span class="provider-icon initial" aria-hidden="true">
          {initialOf(face.name)}
        </span>
      )}
      <bdi class="provider-text">{face.text}</bdi>
    </>
  )
}
