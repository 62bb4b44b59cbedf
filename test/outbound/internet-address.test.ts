import { describe, expect, it } from 'vitest'
import { networkOf, parseAddress } from '../../src/outbound/internet-address.ts'
import { parseOutboundUrl } from '../../src/outbound/outbound-url.ts'

describe('networkOf', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2:ffff::1', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['unknown', 'unknown'],
    ['1.2.3.4.5', '1.2.3.4.5'],
    ['a:b', 'a:b'],
  ])('counts %s under %s', (address, network) => {
    expect(networkOf(address)).toBe(network)
  })
})

describe('parseAddress', () => {
  it.each(['', '1.2.3', '1.2.3.256', '::1::', '[::1', 'fe80::1%eth0', 'rp.test', '1:2:3:4:5:6:7:8:9'])(
    'does not take %j for an address',
    (text) => {
      expect(parseAddress(text)).toBeUndefined()
    },
  )
})

describe('T24 parseOutboundUrl', () => {
  it.each([
    'https://rp.test/jwks',
    'https://rp.test:8443/jwks',
    'https://8.8.8.8/',
    'https://[2606:4700::1111]/',
    'https://localhost.example/',
    'https://172.32.0.1/',
    'https://100.128.0.1/',
  ])('allows %s', (url) => {
    expect(parseOutboundUrl(url, false)).toHaveProperty('url')
  })

  const internal = [
    'https://127.0.0.1/',
    'https://127.1/',
    'https://0x7f000001/',
    'https://2130706433/',
    'https://0177.0.0.1/',
    'https://0.0.0.0/',
    'https://10.1.2.3/',
    'https://100.64.0.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://172.16.0.1/',
    'https://172.31.255.255/',
    'https://192.168.1.1/',
    'https://198.18.0.1/',
    'https://224.0.0.1/',
    'https://255.255.255.255/',
    'https://[::1]/',
    'https://[::]/',
    'https://[::ffff:10.0.0.1]/',
    'https://[::ffff:8.8.8.8]/',
    'https://[fe80::1]/',
    'https://[fc00::1]/',
    'https://[fd12:3456::1]/',
    'https://[ff02::1]/',
    'https://[64:ff9b::a00:1]/',
    'https://[2002:a00:1::]/',
    'https://[2001:0:1::]/',
    'https://[2001:db8::1]/',
    'https://localhost/',
    'https://localhost./',
    'https://localhost../',
    'https://169.254.169.254../',
    'https://metadata.google.internal../',
    'https://LOCALHOST/',
    'https://api.localhost/',
    'https://metadata.google.internal/',
    'https://printer.local/',
    'https://intranet/',
    'https://vault.corp/',
  ]
  it.each(internal)('refuses %s', (url) => {
    expect(parseOutboundUrl(url, false)).toHaveProperty('fault')
  })

  it.each([
    'http://rp.test/jwks',
    'ftp://rp.test/',
    'file:///etc/passwd',
    'data:application/json,{}',
    'https://user:pw@rp.test/',
    '/jwks',
    '',
  ])('refuses %j', (url) => {
    expect(parseOutboundUrl(url, false)).toHaveProperty('fault')
    expect(parseOutboundUrl(url, true)).toHaveProperty('fault')
  })

  it('allows exactly the internal hosts that an administrator names, by https only', () => {
    const allowed = ['sso.corp', '10.1.2.3', 'fd12:3456::1', 'Keycloak.Internal.']
    const isAllowed = (url: string) => 'url' in parseOutboundUrl(url, false, allowed)
    for (const url of ['https://SSO.corp:8443/a', 'https://sso.corp./', 'https://10.1.2.3/', 'https://10.1.515/']) {
      expect(isAllowed(url), url).toBe(true)
    }
    for (const url of ['https://[fd12:3456:0::1]/', 'https://keycloak.internal/'])
      expect(isAllowed(url), url).toBe(true)
    for (const url of ['http://sso.corp/', 'https://a.sso.corp/', 'https://sso.corp.local/', 'https://10.1.2.4/']) {
      expect(isAllowed(url), url).toBe(false)
    }
    expect(parseOutboundUrl('http://127.0.0.1/', false, ['127.0.0.1'])).toHaveProperty('fault')
  })

  it('allows an issuer on loopback only loopback hosts, also by http, and no other internal host', () => {
    for (const url of ['http://127.0.0.1:9/jwks', 'http://localhost:9/', 'http://[::1]/', 'https://localhost/']) {
      expect(parseOutboundUrl(url, true), url).toHaveProperty('url')
      expect(parseOutboundUrl(url, false), url).toHaveProperty('fault')
    }
    for (const url of ['https://10.1.2.3/', 'http://169.254.169.254/', 'http://rp.test/', 'https://a.internal/']) {
      expect(parseOutboundUrl(url, true), url).toHaveProperty('fault')
    }
  })
})
