'use client'

import { Menu as Base } from '@base-ui/react/menu'
import { Check, Columns3 } from 'lucide-react'
import { useText } from '../i18n/locale.tsx'
import { Button } from './button.tsx'
import { menuItemStyle, menuPopupStyle } from './menu.tsx'

export type ColumnChoice = { id: string; name: string; isShown: boolean }

/** Which columns a table shows. It stays open: several may be switched in a row. */
export function ColumnsMenu(props: {
  columns: readonly ColumnChoice[]
  onToggle: (id: string, isShown: boolean) => void
  onReset: () => void
}) {
  const { t } = useText()
  return (
    <Base.Root modal={false}>
      <Base.Trigger
        render={
          <Button>
            <Columns3 aria-hidden className="size-3.5" />
            {t('columns.label')}
          </Button>
        }
      />
      <Base.Portal>
        <Base.Positioner align="end" sideOffset={4} className="z-50 outline-none">
          <Base.Popup aria-label={t('columns.label')} className={menuPopupStyle}>
            {props.columns.map(({ id, name, isShown }) => (
              <Base.CheckboxItem
                key={id}
                checked={isShown}
                closeOnClick={false}
                onCheckedChange={(isOn) => props.onToggle(id, isOn)}
                className={menuItemStyle}
              >
                <span className="grid size-4 place-items-center text-accent">
                  <Base.CheckboxItemIndicator>
                    <Check aria-hidden className="size-4" />
                  </Base.CheckboxItemIndicator>
                </span>
                {name}
              </Base.CheckboxItem>
            ))}
            <Base.Separator className="my-1 h-px bg-line" />
            <Base.Item closeOnClick={false} onClick={props.onReset} className={menuItemStyle}>
              <span className="size-4" />
              {t('columns.reset')}
            </Base.Item>
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  )
}
