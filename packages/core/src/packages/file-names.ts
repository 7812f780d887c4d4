import type { Provider, ResolvedPackage } from '@ict/plugin-api';
import { coreError } from '../errors.js';

/** Names of package files as the provider gives them: none may be that of two packages, of which one would take the place of the other. */
export class FileNames {
  private readonly provider: Pick<Provider, 'ecosystem' | 'fileName'>;
  private readonly packages = new Map<string, ResolvedPackage>();

  constructor(provider: Pick<Provider, 'ecosystem' | 'fileName'>) {
    this.provider = provider;
  }

  /** @throws `ICT_PLUGIN_FAILED` when another package has the name. */
  of(pkg: ResolvedPackage): string {
    const name = this.provider.fileName(pkg);
    const holder = this.packages.get(name);
    if (holder === undefined) this.packages.set(name, pkg);
    if (holder === undefined || holder.digest === pkg.digest) return name;
    const [first, second] = [holder, pkg].map(({ id, version }) => `${id} ${version}`).sort();
    throw coreError('ICT_PLUGIN_FAILED', {
      message: `the plugin for ${this.provider.ecosystem} packages gives ${first} and ${second} the same file name, "${name}"`,
      hint: 'Report it to those who write the plugin: name, version and architecture in fileName keep packages apart.',
      facts: { ecosystem: this.provider.ecosystem, fileName: name },
    });
  }
}
