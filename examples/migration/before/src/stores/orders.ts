import { defineStore } from 'pinia'
import { api } from '../api'

interface Order {
  id: number
  item: string
}

export const useOrders = defineStore('orders', {
  state: () => ({ orders: [] as Order[] }),

  actions: {
    async load(): Promise<void> {
      this.orders = (await api.get<Order[]>('/api/orders')).data
    },

    async add(item: string): Promise<void> {
      this.orders.push((await api.post<Order>('/api/orders', { item })).data)
    },
  },
})
