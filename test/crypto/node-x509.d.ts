// Declares the part of node:crypto with which the tests read our certificates independently.
declare module 'node:crypto' {
  interface KeyObject {
    export(options: { format: 'der'; type: 'spki' }): Uint8Array
  }
  export class X509Certificate {
    constructor(der: Uint8Array)
    readonly subject: string
    readonly issuer: string
    readonly serialNumber: string
    readonly validFrom: string
    readonly validTo: string
    readonly ca: boolean
    readonly fingerprint: string
    readonly fingerprint256: string
    readonly publicKey: KeyObject
    verify(key: KeyObject): boolean
  }
}
