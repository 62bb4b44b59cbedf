// A Worker that reads key files in workerd, as production does.
import { KeyFileError } from '../../src/crypto/key-file-error.ts'
import { readPkcs12 } from '../../src/crypto/pkcs12/read.ts'

export default {
  async fetch(request: Request): Promise<Response> {
    const password = decodeURIComponent(request.headers.get('password') ?? '')
    try {
      const { privateKey, certificate, chain } = await readPkcs12(new Uint8Array(await request.arrayBuffer()), password)
      const [key, ...certificates] = [privateKey, certificate, ...chain].map((bytes) => bytes.toBase64())
      return Response.json({ key, certificates })
    } catch (error) {
      return Response.json({ fault: error instanceof KeyFileError ? error.code : String(error) })
    }
  },
}
