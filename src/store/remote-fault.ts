/** Why a remote did not do what it was asked for. */

export interface RemoteFault {
  /**
   * `denied`: it will not do this for us, and asking again is of no use. `failed`: it may work another time. `stopped`:
   * our side has stopped it.
   */
  readonly kind: 'denied' | 'failed' | 'stopped';
  readonly detail: string;
  /** Of `denied`: there is no such place, which may be there the next time. */
  readonly missing?: true;
}
