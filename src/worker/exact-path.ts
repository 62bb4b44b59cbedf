// Exact matching of the route table (SECURITY-CASES A32): letter case, slashes and percent-encoding are significant.
import { paths } from '../request/addresses.ts'
import type { Issuer } from '../request/issuer.ts'
import type { Route } from '../request/route.ts'

/** Returns the pattern of a row's pathname at this issuer. It matches nothing else; a parameter is one segment. */
export function exactPath({ path, where = {} }: Pick<Route, 'path' | 'where'>, { basePath }: Issuer): RegExp {
  const base = literal(basePath)
  const source = path.replaceAll(/:(\w+)|\*|[^:*]+/g, (part, name: string | undefined) => {
    if (name) return `(?<${name}>${where[name] ?? '[^/]+'})`
    return part === '*' ? '.*' : literal(part)
  })
  if (basePath === '') return new RegExp(`^${source}$`)
  if (path === paths.home) return new RegExp(`^${base}/?$`)
  // RFC 8414 §3.1 puts the well-known part before the issuer's path.
  if (path === paths.authorizationServerMetadata) return new RegExp(`^(?:${source}${base}|${base}${source})$`)
  return new RegExp(`^${base}${source}$`)
}

/** Whether the path has no parameter, so that the row has one address. */
export const isLiteral = ({ path }: Route): boolean => !/[:*]/.test(path)

/** Returns undefined outside the issuer. */
export function pathBelowIssuer(pathname: string, { basePath }: Issuer): string | undefined {
  if (basePath === '') return pathname
  if (pathname === paths.authorizationServerMetadata + basePath) return paths.authorizationServerMetadata
  if (pathname === basePath) return paths.home
  return pathname.startsWith(`${basePath}/`) ? pathname.slice(basePath.length) : undefined
}

const literal = (text: string): string => text.replaceAll(/[.\\+?^$()[\]{}|*]/g, '\\$&')
