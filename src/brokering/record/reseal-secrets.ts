// Reseals client secrets after WRAP_KEY was rotated, so that the old value can be removed (docs/operations.md).
import type { Issuer } from '../../request/issuer.ts'
import { recordChange } from '../../storage/changes.ts'
import { type Database, runBatch } from '../../storage/database.ts'
import { listSealedSecrets, replaceSealedSecret } from '../../storage/external-providers.ts'

export async function resealSecrets(db: Database, { keyWrapper }: Issuer, now: number): Promise<void> {
  const secrets = await listSealedSecrets(db)
  for (const { provider_id, sealed } of secrets.filter((secret) => !keyWrapper.isCurrent(secret.sealed))) {
    const secret = await keyWrapper.open('provider-secret', sealed)
    // The key that sealed it is gone, so an administrator has to enter the secret again.
    if (!secret) continue
    const renewed = await keyWrapper.seal('provider-secret', secret)
    await runBatch(db, [
      recordChange(db, { kind: 'identity-provider' }, now),
      replaceSealedSecret(db, provider_id, sealed, renewed),
    ])
  }
}
