'use client'

import { Menu as Base } from '@base-ui/react/menu'
import type { ReactElement, ReactNode } from 'react'

export type MenuItem = { label: string; icon?: ReactNode; isDanger?: boolean; isOn?: boolean; onSelect: () => void }

export const menuItemStyle =
  'flex h-8 cursor-default items-center gap-2 rounded px-2 outline-none select-none data-highlighted:bg-sunken'

const floatStyle =
  'rounded-lg border border-line bg-surface shadow-float outline-none transition-opacity data-ending-style:opacity-0 data-starting-style:opacity-0'

export const menuPopupStyle = `min-w-44 p-1 ${floatStyle}`

/** Of something to fill in rather than to choose from. */
export const popupStyle = `max-w-[calc(100vw-1.5rem)] p-3 ${floatStyle}`

export function Menu(props: { trigger: ReactElement; items: readonly (MenuItem | 'line')[]; label?: string }) {
  return (
    <Base.Root modal={false}>
      <Base.Trigger render={props.trigger} />
      <Base.Portal>
        <Base.Positioner align="end" sideOffset={4} className="z-50 outline-none">
          <Base.Popup aria-label={props.label} className={menuPopupStyle}>
            {props.items.map((item, index) =>
              item === 'line' ? (
                <Base.Separator key={`line-${index}`} className="my-1 h-px bg-line" />
              ) : (
                <Base.Item
                  key={item.label}
                  onClick={item.onSelect}
                  className={`${menuItemStyle} ${item.isDanger === true ? 'text-bad' : ''} ${item.isOn === true ? 'font-medium text-accent' : ''}`}
                >
                  {item.icon}
                  {item.label}
                </Base.Item>
              ),
            )}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  )
}
