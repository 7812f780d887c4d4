import type { NetworkSpec } from '@ict/plugin-api';
import type { Path } from '../documents/path.js';
import type { Report } from '../problems/report.js';
import type { Template } from '../schema/template.js';

type Network = NonNullable<NonNullable<Template['systemConfig']>['network']>;

/** Reads the interfaces to configure: absent values get their defaults, each interface comes once. */
export function readNetwork(network: Network, at: Path, error: Report): NetworkSpec {
  const names = (network.interfaces ?? []).map(({ name }) => name);
  const interfaces = (network.interfaces ?? []).map((one, index) => {
    // IFNAMSIZ is 16 with the NUL; "/" and white space are refused by the kernel, ":" by everything else.
    if (!/^[^\s/:\p{Cc}]{1,15}$/u.test(one.name) || /^\.+$/.test(one.name)) {
      error('ICT_TEMPLATE_NAME', [...at, index, 'name'], `${JSON.stringify(one.name)} cannot be the name of a network interface`);
    }
    if (names.indexOf(one.name) !== index) {
      error(
        'ICT_DOCUMENT_BAD_VALUE',
        [...at, index, 'name'],
        `the interface ${JSON.stringify(one.name)} is given twice`,
        'Join the two entries.',
      );
    }
    const { name, dhcp4 = false, dhcp6 = false, addresses = [], routes = [], nameservers = [] } = one;
    return { name, dhcp4, dhcp6, addresses, routes, nameservers };
  });
  return { backend: network.backend ?? 'systemd-networkd', interfaces };
}
