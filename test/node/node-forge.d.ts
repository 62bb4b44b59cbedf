// Types of what the tests use of node-forge, which ships none. Bytes are "binary" strings.
declare module 'node-forge' {
  namespace forge {
    namespace asn1 {
      interface Asn1 {
        type: number
      }
    }
    namespace pkcs12 {
      interface WriteOptions {
        algorithm: 'aes128' | 'aes192' | 'aes256' | '3des'
        friendlyName?: string
        useMac?: boolean
        count?: number
        prfAlgorithm?: 'sha1' | 'sha256' | 'sha384' | 'sha512'
      }
      interface Bag {
        key: PrivateKey | null
        cert: Certificate | null
        asn1: asn1.Asn1
      }
      interface Pfx {
        getBags(filter: { bagType: string }): Record<string, Bag[] | undefined>
      }
    }
    interface PrivateKey {
      d: object
    }
    interface Certificate {
      serialNumber: string
    }
  }
  const forge: {
    asn1: { toDer(asn1: forge.asn1.Asn1): { getBytes(): string }; fromDer(bytes: string): forge.asn1.Asn1 }
    pki: {
      oids: { pkcs8ShroudedKeyBag: string; certBag: string }
      privateKeyFromPem(pem: string): forge.PrivateKey
      certificateFromPem(pem: string): forge.Certificate
      privateKeyToAsn1(key: forge.PrivateKey): forge.asn1.Asn1
      wrapRsaPrivateKey(key: forge.asn1.Asn1): forge.asn1.Asn1
      certificateToAsn1(certificate: forge.Certificate): forge.asn1.Asn1
    }
    pkcs12: {
      toPkcs12Asn1(
        key: forge.PrivateKey,
        chain: forge.Certificate[],
        password: string | null,
        options: forge.pkcs12.WriteOptions,
      ): forge.asn1.Asn1
      pkcs12FromAsn1(file: forge.asn1.Asn1, password: string): forge.pkcs12.Pfx
    }
  }
  export = forge
}
