import type { InterfaceSpec, NetworkSpec, TreeSession } from '@ict/plugin-api';
import { coreError } from '../errors.js';

/** Paths that show that a backend is in the tree. */
const PROGRAMS: Readonly<Record<NetworkSpec['backend'], readonly string[]>> = {
  netplan: ['/usr/sbin/netplan', '/usr/bin/netplan'],
  'systemd-networkd': ['/usr/lib/systemd/systemd-networkd', '/lib/systemd/systemd-networkd'],
};

/**
 * Writes the configuration of a tree's network, and switches on what reads it when the system starts.
 *
 * @throws `ICT_NETWORK_BACKEND` when the backend is not in the tree
 */
export async function configureNetwork(
  { backend, interfaces }: NetworkSpec,
  tree: TreeSession,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const found = await Promise.all(PROGRAMS[backend].map((program) => tree.stat(program)));
  if (found.every((entry) => entry === undefined)) {
    throw coreError('ICT_NETWORK_BACKEND', {
      message: `systemConfig.network wants ${backend}, which is not in the image`,
      hint: 'Add the package that brings it to systemConfig.packages, or choose the other backend.',
      facts: { backend },
    });
  }
  if (backend === 'netplan') {
    // netplan refuses to be quiet about files that everyone may read: they can hold secrets.
    await tree.write('/etc/netplan/60-image-composer-tool.yaml', netplanText(interfaces), { mode: 0o600 });
    return;
  }
  for (const one of interfaces) await tree.write(`/etc/systemd/network/60-${one.name}.network`, networkdText(one));
  await tree.run({ argv: ['systemctl', 'enable', 'systemd-networkd.service'], env });
}

/** @see netplan's reference, https://netplan.readthedocs.io */
export function netplanText(interfaces: readonly InterfaceSpec[]): string {
  const ethernets = Object.fromEntries(
    interfaces.map(({ name, dhcp4, dhcp6, addresses, routes, nameservers }) => [
      name,
      {
        dhcp4,
        dhcp6,
        ...(addresses.length === 0 ? {} : { addresses }),
        ...(routes.length === 0 ? {} : { routes }),
        ...(nameservers.length === 0 ? {} : { nameservers: { addresses: nameservers } }),
      },
    ]),
  );
  // JSON is YAML.
  return `${JSON.stringify({ network: { version: 2, renderer: 'networkd', ethernets } }, null, 2)}\n`;
}

/** @see systemd.network(5) */
export function networkdText({ name, dhcp4, dhcp6, addresses, routes, nameservers }: InterfaceSpec): string {
  const dhcp = dhcp4 && dhcp6 ? 'yes' : dhcp4 ? 'ipv4' : dhcp6 ? 'ipv6' : 'no';
  const lines = ['[Match]', `Name=${name}`, '', '[Network]', `DHCP=${dhcp}`];
  lines.push(...addresses.map((address) => `Address=${address}`), ...nameservers.map((server) => `DNS=${server}`));
  // Without a destination a route is the default one, of the family of its gateway.
  for (const { to, via } of routes) lines.push('', '[Route]', ...(to === 'default' ? [] : [`Destination=${to}`]), `Gateway=${via}`);
  return `${lines.join('\n')}\n`;
}
