// Chooses the vault that the deployment's variables name.
import type { VaultSettings } from '../../request/vault-settings.ts'
import { awsSecretsManager } from '../vaults/aws-secrets-manager.ts'
import { azureKeyVault } from '../vaults/azure-key-vault.ts'
import { localVault } from '../vaults/local.ts'
import type { Vault } from '../vaults/vault.ts'

export function chooseVault(settings: VaultSettings): Vault {
  switch (settings.kind) {
    case 'azure-key-vault':
      return azureKeyVault(settings)
    case 'aws-secrets-manager':
      return awsSecretsManager(settings)
    case 'local':
      return localVault
  }
}
