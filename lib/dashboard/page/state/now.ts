import { createContext } from 'preact';
import { useContext } from 'preact/hooks';

/** The current time, at which ranges until now end. It changes only at a refresh. */
export const Now = createContext(new Date());

export const useNow = (): Date => useContext(Now);
