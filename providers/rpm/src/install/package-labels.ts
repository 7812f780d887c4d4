import type { ResolvedPackage } from '@ict/plugin-api';

/** Finds packages by what rpm calls them: `name-epoch:version-release.arch`, an epoch of 0 only where the package states it. */
export class PackageLabels<P extends Pick<ResolvedPackage, 'name' | 'version' | 'arch'>> {
  readonly #byLabel: ReadonlyMap<string, P>;

  constructor(packages: readonly P[]) {
    this.#byLabel = new Map(packages.map((pkg) => [`${pkg.name}-${pkg.version}.${pkg.arch}`, pkg]));
  }

  find(label: string): P | undefined {
    return this.#byLabel.get(label.replace(/-0:(?=[^-]+-[^-]+$)/, '-'));
  }
}
