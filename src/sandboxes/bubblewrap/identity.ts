/** Whose rights bubblewrap has on the host. */
export type Identity =
  /** We are root and give it a user of its own, without any rights. */
  | { readonly kind: 'separate'; readonly uid: number }
  /** We are root and the machine does not allow the above. */
  | { readonly kind: 'root' }
  /** We are an ordinary user; it is the same. */
  | { readonly kind: 'same' };

/** In the range that systemd leaves to nobody (60706 to 61183), so that it is no user's. */
const separateUid = 60_722;

/** The identities to try, best first. */
export const identitiesFor = (uid: number): readonly Identity[] =>
  uid === 0 ? [{ kind: 'separate', uid: separateUid }, { kind: 'root' }] : [{ kind: 'same' }];

/** What stands before a command to run it under the identity. */
export const commandPrefix = (identity: Identity): readonly string[] =>
  identity.kind === 'separate'
    ? [
        '/usr/bin/setpriv',
        `--reuid=${identity.uid}`,
        `--regid=${identity.uid}`,
        '--clear-groups',
        '--bounding-set=-all',
        '--inh-caps=-all',
      ]
    : [];

/** Owner that files for the sandbox must have; null: ours already fit. */
export const ownerFor = (identity: Identity): number | null => (identity.kind === 'separate' ? identity.uid : null);
