/** A sentence of conductor on the page, its commands as the person who opened the page types them. */

import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { asCalled } from '../../model/output/called-as.js';

/** How the person calls conductor; the frame of the page gives it. */
export const CalledAs = createContext('conductor');

export function Said({ text }: { readonly text: string }) {
  return <>{asCalled(text, useContext(CalledAs))}</>;
}
